"""The training loop: tasks, the trainer, checkpoints, clusters and the metrics that SageMaker reads.

It imports from `model_code.data` and `model_code.networks.networks`. A new metric is a line in `metrics.py`; a new
feature of samples is a task in `tasks.py`.
"""
