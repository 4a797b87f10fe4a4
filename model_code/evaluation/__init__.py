"""What is measured of a trained artefact as it will be served: quality, comparison, known input, drift.

It imports from `model_code.data`, `model_code.networks.networks` and `model_code.inference`. A new figure is computed
in `evaluate.py` and lands in `evaluation.json`.
"""
