"""Any operation of the API over millions of objects: the state machine, its workers and queues.

It imports from `stacks.shared`, `stacks.settings` and `definitions`, and from no other stack, and from
`lambdas` the table of operations. A new step is a state in `state_machine.py`, and its call a permission in
`stack.py`.
"""
