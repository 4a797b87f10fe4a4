"""The key and the buckets that every other stack reads and writes.

It imports from `stacks.shared`, `stacks.settings` and `definitions`, and from no other stack. A new bucket
is a method of the stack in `stack.py`, which publishes its name for the others.
"""
