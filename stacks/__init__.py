"""The infrastructure: a folder for each stack, `shared` and `settings` below them, `app.py` above them.

A stack's folder imports from `stacks.shared`, `stacks.settings` and `definitions`, and from no other stack;
only `app.py` knows them all. A new stack is a folder with a `stack.py`, which `app.py` composes.
"""
