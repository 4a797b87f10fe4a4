"""The commands of the embedded AWS: up, down, status and the demo with its report.

It imports from `cli.shared` and the packages beside `cli`; the demo walks through `cli.models` and
`cli.recognize.request` too. A new command is a function in `commands.py`, with its work in a module of its own.
"""
