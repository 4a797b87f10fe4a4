"""A trained network as what serves it: a SavedModel, and LiteRT files.

It imports from `model_code.networks.networks` and `model_code.training`. A new format is a module here, which
`saved_model.py` calls at the end of an export.
"""
