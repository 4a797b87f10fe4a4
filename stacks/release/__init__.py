"""From an approved version to its endpoint and back, and the scheduled shutdown of the endpoints.

It imports from `stacks.shared`, `stacks.settings` and `definitions`, and from no other stack. A new step is
a state in a state machine's module, and its call a permission beside it.
"""
