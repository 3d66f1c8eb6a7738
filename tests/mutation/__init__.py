"""Mutation test: the edits of edits.toml are mistakes, and the unit and contract tests have to notice them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple

__all__ = ["PROJECT", "Edit", "read_edits"]

PROJECT = Path(__file__).parent.parent.parent


class Edit(NamedTuple):
    """A mistake in a module, and the tests that have to notice it."""

    file: str
    old: str
    new: str
    tests: list[str]
    equivalent: str | None
    """Why no test can notice it, None if a test has to."""

    def apply(self, folder: Path) -> None:
        """Make the mistake in a copy of the project. Raises ValueError unless the old text occurs once."""
        module = folder / self.file
        text = module.read_text()
        if (found := text.count(self.old)) != 1:
            raise ValueError(f"expected the text once in {self.file}, found it {found} times: {self.old}")
        module.write_text(text.replace(self.old, self.new))


def read_edits() -> list[Edit]:
    """Return the edits of edits.toml."""
    content = tomllib.loads((Path(__file__).parent / "edits.toml").read_text())
    return [
        Edit(edit["file"], edit["old"], edit["new"], content["tests"][edit["file"]], edit.get("equivalent"))
        for edit in content["edit"]
    ]
