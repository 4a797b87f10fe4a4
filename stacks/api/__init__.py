"""The recognition API: its routes, who may call it, the firewall, and the table of kept responses.

It imports from `stacks.shared`, `stacks.settings` and `definitions`, and from no other stack, from `lambdas`
the table of operations, and from `advisor` the prices. A new operation is a line in that table; a new rule of
access belongs into `access.py`.
"""
