"""The commands that say on paper what a large task meets: bulk, requests, classes and training.

It imports from `advisor`, `stacks.settings`, `cli.shared` and the plan of a bulk run. A new question is a function in
`commands.py`, with its reckoning in a module of its own that returns a `checks.ScalePlan`.
"""
