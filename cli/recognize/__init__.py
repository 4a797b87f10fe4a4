"""The commands that ask: recognize and replay, with what draws and watches for them.

It imports from `cli.shared` and the packages beside `cli`. A new kind of content is a row of the content
types in `request.py`, and what draws its answer in `annotate.py`.
"""
