"""From data in S3 to a registered model version: the state machine, its jobs and what triggers it.

It imports from `stacks.shared`, `stacks.settings` and `definitions`, and from no other stack, and from
`model_code` what a job has to be told. A new step is a state in `state_machine.py`, and its call a permission
in `stack.py`.
"""
