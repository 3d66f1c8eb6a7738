"""Errors of the local cloud."""


class LocalCloudError(Exception):
    """The local cloud cannot start or change. The text is one sentence for the console."""
