"""The commands that help to decide: advise, cost, doctor and prices.

It imports from `cli.shared` and the packages beside `cli`. A new command is a function in `commands.py`, with
its work in a module of its own.
"""
