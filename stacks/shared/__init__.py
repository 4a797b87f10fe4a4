"""What several stacks are built of: functions, state machines, jobs, permissions, published values.

It imports from `stacks.settings`, `definitions` and the packages beside `stacks`, and from no stack. What a
second stack needs moves here; what one stack needs stays with that stack.
"""
