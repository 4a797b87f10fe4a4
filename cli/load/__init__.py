"""The command `load`: asks an endpoint at given rates, and tells what it holds and costs.

It imports from `cli.shared` and the packages beside `cli`. `open_loop.py` asks, `endpoint.py` knows what answers and
what it costs, `report.py` says what came of it. A new figure is a field of the report.
"""
