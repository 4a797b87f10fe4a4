"""The commands of models: train, release, rollback, remove and transform.

It imports from `cli.shared` and the packages beside `cli`. A new command is a function in `commands.py`, with
its work in a module of its own.
"""
