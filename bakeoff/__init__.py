"""The bake-off: candidates of every family trained and measured on one leak-free split of the caller's own data.

``contest.run`` is the whole interface. Each candidate is a process of its own, so that it can crash, be stopped at its
deadline and be timed without touching the others. It knows `model_code`, `advisor` and the stand-ins of
`local_aws.managed`; it reads no file of the caller's and prints nothing. ``jobs.Jobs`` has them trained on SageMaker.
"""
