"""The edits of edits.toml fit the code."""

from __future__ import annotations

import ast

from tests.mutation import PROJECT, read_edits


def test_each_edit_changes_one_place_of_its_module() -> None:
    for edit in read_edits():
        assert (PROJECT / edit.file).read_text().count(edit.old) == 1, edit


def test_each_edit_gives_valid_python() -> None:
    for edit in read_edits():
        ast.parse((PROJECT / edit.file).read_text().replace(edit.old, edit.new))


def test_tests_of_each_edit_exist() -> None:
    for edit in read_edits():
        assert edit.tests
        assert all((PROJECT / test).exists() for test in edit.tests)
