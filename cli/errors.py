"""The one exception that ends a command with a sentence instead of a stack trace."""


class CommandFailed(Exception):
    """A command cannot go on; the message says what was wrong, where, and what to do."""
