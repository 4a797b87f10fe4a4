"""From an approved version to its endpoint and back, and the scheduled shutdown of the endpoints.

It imports from `stacks.shared`, `stacks.settings` and `stacks.names`, and from no other stack. A new step is
a state in a state machine's module, and its call a permission beside it.
"""
