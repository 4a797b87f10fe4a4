"""What every other package may import: the names that the app fixes in AWS, and the table of networks.

Plain data and the standard library; it imports nothing of the project, so the Lambda functions and the training jobs
carry it whole. A new name is a function in `names.py`, a new kind of network a row in `networks.py`.
"""
