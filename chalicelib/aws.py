"""The botocore session that all AWS clients share: creating another takes longer than handling a message."""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.session

__all__ = ["session"]


@cache
def session() -> Any:
    """Return the session. It reads the environment, and needs no network."""
    return botocore.session.get_session()
