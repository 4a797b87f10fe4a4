"""The commands of bulk runs: start, watch, redrive and read them.

It imports from `cli.shared` and the packages beside `cli`. A new command is a function in `commands.py`, with
its work in `plan.py` before a run and in `runs.py` after its start.
"""
