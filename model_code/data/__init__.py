"""From public sets and users' files to splits, records, shards and batches.

It imports from no other folder of `model_code`. A new data set is an entry of `public_datasets.py`; a new
kind of file is a reader in `user_files.py`.
"""
