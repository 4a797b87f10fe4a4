"""What every other package may import: names that the app fixes in AWS, the table of networks, what files are made of.

Plain data and the standard library; it imports nothing of the project, so the Lambda functions and the training jobs
carry it whole. A new name is a function in `names.py`, a new kind of network a row in `networks.py`; `image_files.py`
is the one reader of what a picture says about itself, `content.py` that of media types, encodings, JSON and base64, and
`service_limits.py` has what each operation of the managed services takes.
"""
