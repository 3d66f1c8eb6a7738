"""Errors of packaging and deployment, and their report on the console."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError


class PackageError(Exception):
    """The project cannot be packaged. The text is one sentence for the console."""


class DeployError(Exception):
    """A stack cannot be deployed or removed. The text is one sentence for the console."""


@contextmanager
def errors_reported(*further: type[Exception]) -> Iterator[None]:
    """End the process with exit code 1 and one line on an expected error: of this program, AWS or the network."""
    try:
        yield
    except (DeployError, PackageError, BotoCoreError, ClientError, *further) as error:
        sys.exit(f"error: {' '.join(str(error).split())}")
