"""The web page to try and compare: its bucket, its distribution and the pool of its users.

It imports from `stacks.shared`, `stacks.settings` and `definitions`, and from no other stack; the page
itself is in `console/`. A new call of the page is a permission of the role in `stack.py`.
"""
