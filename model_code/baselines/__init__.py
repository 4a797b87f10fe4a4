"""Traditional machine learning on the same channels: features, classifiers and their export.

It imports from the other folders of `model_code`, and none of them imports from it. A new baseline is an
entry in a function of `train.py` and its graph in `export.py`.
"""
