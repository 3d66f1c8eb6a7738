"""Temporary files of the tests, kept in memory where there is enough of it.

The tests extract the package again and again: 2,400 files, which a disk takes seconds to write and to delete.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108
NEEDED_BYTES = 2 * 2**30


def pytest_configure() -> None:
    """Set the folder for temporary files, for this process and for those that it starts, unless TMPDIR names one."""
    if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > NEEDED_BYTES:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)
