"""What can keep the local cloud from starting."""

__all__ = ["LocalCloudError"]


class LocalCloudError(Exception):
    """One sentence for the person at the console."""
