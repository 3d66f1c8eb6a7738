"""The generated files are up to date with the declarations."""

from pathlib import Path

import pytest

from docs.generate import generated_files

FILES = generated_files()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_generated_file_is_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == FILES[path], "run `make generate`"
