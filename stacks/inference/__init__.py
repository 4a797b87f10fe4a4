"""The endpoints of the released versions: their configuration, deployment, scaling and data capture.

It imports from `stacks.shared`, `stacks.settings` and `definitions`, and from no other stack. A new way to
serve is a module here that `stack.py` calls when a setting asks for it.
"""
