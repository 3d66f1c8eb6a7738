"""The build of the page and of the tables of Unicode, and the checks that the committed files are its result."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.support.projects import PROJECT

TABLES = ["chalicelib/protocol/glyphs.py", "chalicelib/chat/confusables.json"]


def build(project: Path, *options: str, script: str = "build.mjs") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["node", f"web/{script}", *options],  # noqa: S607
        cwd=project,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copy the page and its sources."""
    without = shutil.ignore_patterns("node_modules", "build", "dist")
    shutil.copytree(PROJECT / "web", tmp_path / "web", ignore=without)
    shutil.copytree(PROJECT / "chalicelib/static", tmp_path / "chalicelib/static")
    for table in TABLES:
        (tmp_path / table).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / table, tmp_path / table)
    (tmp_path / "web/node_modules").symlink_to(PROJECT / "web/node_modules")
    return tmp_path


def test_committed_page_is_what_its_sources_build(copy: Path) -> None:
    before = {path.name: path.read_bytes() for path in (copy / "chalicelib/static").iterdir()}
    assert build(copy, "--check").returncode == 0
    assert build(copy).returncode == 0
    assert {path.name: path.read_bytes() for path in (copy / "chalicelib/static").iterdir()} == before


@pytest.mark.parametrize("name", ["web/page/src/title.ts", "web/client/src/backoff.ts", "web/page/styles/colours.css"])
def test_page_that_differs_from_its_sources_is_reported(copy: Path, name: str) -> None:
    source = (copy / name).read_text()
    changed = source.replace("30_000", "40_000").replace("Chalice Chat", "Another Chat").replace("#faf6f0", "#fff")
    assert changed != source
    (copy / name).write_text(changed)
    checked = build(copy, "--check")
    assert checked.returncode == 1
    assert checked.stderr == (
        "chalicelib/static/ is not what web/page/ builds: run `make page`, and commit the result\n"
    )
    build(copy)
    assert build(copy, "--check").returncode == 0


@pytest.mark.parametrize(("name", "limit"), [("page", 22_500), ("visit", 20_500)])
def test_script_of_the_page_stays_within_its_budget(name: str, limit: int) -> None:
    (script,) = (PROJECT / "chalicelib/static").glob(f"{name}-*.js")
    assert len(gzip.compress(script.read_bytes())) <= limit


def test_client_library_stays_within_its_budget(copy: Path) -> None:
    entry = copy / "web/entry.ts"
    entry.write_text('export { ChatClient } from "./client/src/index.ts";')
    bundle = [copy / "web/node_modules/.bin/rolldown", entry, "--minify", "--no-comments", "--dir", copy / "bundle"]
    subprocess.run(bundle, cwd=copy, check=True, capture_output=True)
    assert len(gzip.compress((copy / "bundle/entry.js").read_bytes())) <= 15_200


def test_file_that_the_build_does_not_write_is_reported(copy: Path) -> None:
    (copy / "chalicelib/static/old.js").touch()
    assert build(copy, "--check").returncode == 1
    build(copy)
    assert not (copy / "chalicelib/static/old.js").exists()


@pytest.mark.parametrize("table", TABLES)
def test_table_of_unicode_that_differs_from_its_source_is_reported(copy: Path, table: str) -> None:
    before = (copy / table).read_bytes()
    assert build(copy, "--check", script="unicode.mjs").returncode == 0
    (copy / table).write_bytes(before + b"\n")
    checked = build(copy, "--check", script="unicode.mjs")
    assert checked.returncode == 1
    assert checked.stderr == f"{table} is not what web/unicode.mjs generates: run `make page`, and commit the result\n"
    build(copy, script="unicode.mjs")
    assert (copy / table).read_bytes() == before


def test_package_of_the_client_library_is_complete(copy: Path) -> None:
    pack: list[str | Path] = ["npm", "--silent", "pack", "--pack-destination", copy]
    subprocess.run(pack, cwd=copy / "web/client", check=True, capture_output=True)
    (archive,) = copy.glob("*.tgz")
    with tarfile.open(archive) as files:
        files.extractall(copy, filter="data")
    package = copy / "package"
    assert (package / "LICENSE").read_text() == (PROJECT / "LICENSE").read_text()
    links = re.findall(r"\]\((?!https:|#)([^)#]*)", (package / "README.md").read_text())
    assert [link for link in links if not (package / link).exists()] == []
    modules = [*package.glob("dist/*.js"), *package.glob("dist/*.d.ts")]
    assert len(modules) > 20
    for module in modules:
        source_map = json.loads(module.with_name(f"{module.name}.map").read_text())
        assert source_map["sources"]
        assert all((module.parent / source).is_file() for source in source_map["sources"])
    assert (package / "dist/react.js").read_text().startswith('"use client";')


def test_package_of_the_client_library_is_correct_for_bundlers_and_for_typescript() -> None:
    check = ["npm", "--silent", "--prefix", "web", "run", "test:package"]
    checked = subprocess.run(check, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert checked.returncode == 0, checked.stdout


def test_declarations_of_the_client_library_need_no_types_of_browsers_and_no_recent_ones(copy: Path) -> None:
    tsc = copy / "web/node_modules/.bin/tsc"
    subprocess.run([tsc], cwd=copy / "web/client", check=True, capture_output=True)
    options = {"strict": True, "noEmit": True, "module": "NodeNext", "lib": ["ES2020"], "types": ["node"]}
    files = [f"client/dist/{name}.d.ts" for name in ("index", "react", "testing")]
    # With an own project, because that of the library has the types of web workers. Those of React need the DOM.
    (copy / "web/application.json").write_text(json.dumps({"compilerOptions": options, "files": files}))
    checked = subprocess.run([tsc, "-p", "application.json"], cwd=copy / "web", capture_output=True, text=True)
    assert [line for line in checked.stdout.splitlines() if line.startswith("client/")] == []
