"""The tests, files and headings that the documents name exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.projects import PROJECT

FOLDERS = ["benchmarks", "examples/nextjs", "web/client"]
PAGES = [*PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md"), *(PROJECT / folder / "README.md" for folder in FOLDERS)]

TEST = re.compile(r"\b(tests/[\w/]+\.py)::(\w+)")
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")
PACKAGES = "|".join(path.parent.name for path in PROJECT.glob("chalicelib/*/__init__.py"))
TOP_FOLDERS = "benchmarks|chalicelib|deployment|docs|examples|localcloud|operations|tests|web"
FOLDERS_OF_SOURCES = rf"\.chalice|{TOP_FOLDERS}|{PACKAGES}"
SOURCE = re.compile(rf"`(app\.py|(?:{FOLDERS_OF_SOURCES})/[\w/.-]+\.\w+)`")
NAME = re.compile(r"((?:`\w+`(?:, | and )?)+) (?:in|of) (`[\w/.-]+\.\w+`(?: and (?:in )?`[\w/.-]+\.\w+`)*)")
"""Names, and the files that contain them: `join` and `leave` in `chat/members.py`."""

CREATED_BY_THE_TUTORIAL = set(
    re.findall(r"^Create `(.+)`:$", (PROJECT / "docs/extending.md").read_text(), re.MULTILINE)
)


def _prose(page: Path) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def _source(name: str) -> Path:
    """Return the path of a source file. The documents name modules of chalicelib also without that folder."""
    return (
        PROJECT / "chalicelib" / name
        if re.match(rf"({PACKAGES})/|\w+\.py$", name) and name != "app.py"
        else PROJECT / name
    )


def _anchors(page: Path) -> Iterator[str]:
    """Yield the anchors that GitHub gives to the headings of a page."""
    for heading in re.findall(r"^#+ (.+)$", _prose(page), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_named_tests_exist(page: Path) -> None:
    missing = [
        f"{file}::{name}"
        for file, name in TEST.findall(page.read_text())
        if not (PROJECT / file).is_file() or f"def {name}(" not in (PROJECT / file).read_text()
    ]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_linked_files_and_headings_exist(page: Path) -> None:
    broken = []
    for name, anchor in LINK.findall(_prose(page)):
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(f"{name}#{anchor}")
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_named_source_files_exist(page: Path) -> None:
    named = set(SOURCE.findall(_prose(page))) - CREATED_BY_THE_TUTORIAL
    assert [name for name in sorted(named) if not _source(name).is_file()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_named_files_contain_the_names(page: Path) -> None:
    missing = [
        f"{name} in {file}"
        for names, files in NAME.findall(_prose(page))
        for file in re.findall(r"`(.+?)`", files)
        for name in re.findall(r"`(.+?)`", names)
        if not re.search(rf"\b{name}\b", _source(file).read_text())
    ]
    assert missing == []
