"""What several groups of commands need: options, errors, progress, the target and the project's folder.

It imports from the packages beside `cli`, and from no group of commands. What a second group needs moves
here; what one group needs stays with that group.
"""
