"""From public sets and users' files to splits, records, shards and batches.

It imports from no other folder of `model_code`. A new data set is an entry of `public_datasets.py`; `user_files.py` is
the one reader of users' own data, for training, bake-offs and advice: a new kind of table is a reader in `tables.py`.
"""
