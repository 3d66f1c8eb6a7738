"""The number of examples of the generated tests: small in `make test`, large in `make fuzz`."""

from __future__ import annotations

import os

IS_FUZZING = os.environ.get("FUZZ") == "1"


def examples(test: int, fuzz: int) -> int:
    """Return the number of examples for `make test`, or that for `make fuzz` when it runs."""
    return fuzz if IS_FUZZING else test
