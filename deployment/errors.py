"""Errors of packaging."""

__all__ = ["PackageError"]


class PackageError(Exception):
    """The project cannot be packaged. The text is one sentence for the console."""
