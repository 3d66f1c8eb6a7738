"""Errors of the operator's commands."""


class OperationError(Exception):
    """A command cannot be carried out. The text is one sentence for the console."""
