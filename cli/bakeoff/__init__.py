"""The command that trains every family on the caller's own data and reports which wins.

It imports from `cli.shared` and the packages beside `cli`, and from `cli.advise.advice` how data is measured and a
problem is asked for. A new figure of the report is computed in `report.py` and shown in `report.html.j2`.
"""
