"""The product's CPU serving container: a small server of the LiteRT model with SageMaker's /ping and /invocations.

It runs without TensorFlow: NumPy, Pillow and the LiteRT runtime are enough. Of this project it knows
`model_code.inference`, whose contract it keeps, and the files that `model_code.export.saved_model` writes.
"""
