"""What runs inside the SageMaker containers: data, networks, training, evaluation and serving.

It imports no CDK and no boto3, and nothing of it does work when it is imported.

Under the SageMaker training toolkit the code arrives as the channel `code`, a `source.tar.gz` made by
`model_code.source`, with the hyperparameters `sagemaker_program=train.py` and
`sagemaker_submit_directory=/opt/ml/input/data/code/source.tar.gz`; so the job needs no network. The archive's root
holds this package and a launcher `train.py`. In a processing job the entry point unpacks it
and runs `python3 -m model_code.evaluation.evaluate`.
"""
