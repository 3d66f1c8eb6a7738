"""Archives whose bytes depend only on their files."""

from __future__ import annotations

import zipfile
from pathlib import Path

FILE_MODE = 0o644
"""The mode of every file in the package."""


def add_files(archive: zipfile.ZipFile, folder: Path, pattern: str = "*") -> None:
    """Add the files of a folder and its subfolders whose names match a pattern, in order and without their times."""
    for path in sorted(path for path in folder.rglob(pattern) if path.is_file()):
        entry = zipfile.ZipInfo(str(path.relative_to(folder)))  # dated 1980, like Chalice's entries
        entry.external_attr = FILE_MODE << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, path.read_bytes())
