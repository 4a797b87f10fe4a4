"""Who hears of alarms, drift, failed runs and costs, and the dashboard.

It imports from `stacks.shared`, `stacks.settings` and `definitions`, and from no other stack. A new alarm or
rule is a method of the stack in `stack.py`; its topic is there already.
"""
