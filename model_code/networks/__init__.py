"""The networks and what stands before and inside them: preprocessing, precision, gradients.

It imports from no other folder of `model_code`. A new network is a function in `networks.py` that builds it
from its hyperparameters.
"""
