"""The `recognition` command line: a folder for each group of commands, and `main.py` that joins them.

A group's folder imports from `cli.shared` and the packages beside `cli`; only `main.py` knows all groups. A
new group is a folder with a `commands.py` that has an `app`, which `main.py` adds.
"""
