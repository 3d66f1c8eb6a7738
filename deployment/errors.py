"""Errors of packaging and deployment."""


class PackageError(Exception):
    """The project cannot be packaged. The text is one sentence for the console."""


class DeployError(Exception):
    """A stack cannot be deployed or removed. The text is one sentence for the console."""
