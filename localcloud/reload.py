"""What is saved goes live: watch the project while it runs on the local cloud, and put there what has changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from watchfiles import Change, DefaultFilter, watch

from localcloud.errors import LocalCloudError
from localcloud.package import PROJECT, package
from localcloud.stack import STAGE, Stack

__all__ = ["Reloader"]

IMPORT_SECONDS = 10
"""How long Lambda lets a function start ("Understanding the Lambda execution environment lifecycle")."""

ROOT_FILES = ("app.py", "requirements.txt")

Files = dict[str, bytes]


class Reloader:
    """Puts on the local cloud what has been saved since this was made, when it works. It does so in folder."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder, self._say = folder, say
        self._tried = _saved()
        self._live_code, self._live_shape = _code(self._tried), _shape(self._tried)

    @contextmanager
    def following(self, stack: Stack) -> Iterator[None]:
        """Put on the stack what was saved while it was made, and within this whatever is saved."""
        stop = threading.Event()
        paths = [*(PROJECT / name for name in ROOT_FILES), PROJECT / "chalicelib", PROJECT / ".chalice"]

        def follow() -> None:
            # Every second in any case: of a file that an editor puts in place of another, not all systems tell.
            for _ in watch(*paths, stop_event=stop, rust_timeout=1_000, yield_on_timeout=True):
                self._refresh(stack)

        thread = threading.Thread(target=follow)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _refresh(self, stack: Stack) -> None:
        saved, before = _saved(), self._tried
        if saved == before:
            return
        self._tried = saved
        if saved.get("requirements.txt") != before.get("requirements.txt"):
            self._say("requirements.txt has changed: Ctrl-C and `make run` install it")
        try:
            self._put_code(stack, _code(saved))
            self._put_shape(stack, _shape(saved))
        except LocalCloudError as error:
            self._say(f"{error}\nThis is not live: what was live before goes on")
        except Exception:  # noqa: BLE001 - whatever a project half written leads to, its next save is tried
            self._say(traceback.format_exc())

    def _put_code(self, stack: Stack, code: Files) -> None:
        if code == self._live_code:
            return
        started = time.monotonic()
        folder = self._folder / "code"
        shutil.rmtree(folder, ignore_errors=True)
        _write(code, folder)
        _check(folder, stack.environment())
        # Without what it requires: the functions find that in .venv, and what is small is soon live.
        stack.update_code(Path(shutil.make_archive(str(folder), "zip", folder)))
        names = {name for name, _ in code.items() ^ self._live_code.items()}
        self._live_code = code
        self._say(f"Live after {time.monotonic() - started:.1f} s: {', '.join(sorted(names))}")

    def _put_shape(self, stack: Stack, shape: Files) -> None:
        if shape == self._live_shape:
            return
        started = time.monotonic()
        project, packaged = self._folder / "project", self._folder / "next"
        shutil.rmtree(project, ignore_errors=True)
        # Without requirements, of which the template says nothing: to pack them takes the longest.
        _write(_code(self._live_code) | shape | {"requirements.txt": b""}, project)
        package(STAGE, packaged, project)
        if stack.update(packaged / "sam.json"):
            self._say(f"Live after {time.monotonic() - started:.1f} s: what app.py and .chalice/ say of the stack")
        self._live_shape = shape


def _saved() -> Files:
    """Read the files of the project that can go live."""
    is_source = DefaultFilter()  # not what Python or an editor leaves beside it
    paths = [
        *(PROJECT / name for name in ROOT_FILES),
        *(PROJECT / "chalicelib").rglob("*"),
        *(PROJECT / ".chalice").glob("*.*"),
        *(PROJECT / ".chalice/policies").rglob("*.json"),
    ]
    files = {}
    for path in paths:
        name = str(path.relative_to(PROJECT))
        with suppress(FileNotFoundError):  # saved by putting another in its place, in this moment
            if path.is_file() and is_source(Change.modified, name):
                files[name] = path.read_bytes()
    return files


def _code(files: Files) -> Files:
    """Choose the files that the functions run."""
    return {name: content for name, content in files.items() if name.startswith(("app.py", "chalicelib"))}


def _shape(files: Files) -> Files:
    """Choose the files that the stack's template is made from."""
    return {name: content for name, content in files.items() if name.startswith(("app.py", ".chalice"))}


def _write(files: Files, folder: Path) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _check(folder: Path, environment: dict[str, str]) -> None:
    """Import the app as its functions will, and raise LocalCloudError with the traceback when that fails."""
    try:
        imported = subprocess.run(
            [sys.executable, "-c", "from app import app"],
            cwd=folder,
            env={**os.environ, **environment, "PYTHONDONTWRITEBYTECODE": "1"},
            text=True,
            capture_output=True,
            check=False,
            start_new_session=True,  # Ctrl-C ends this process, without a traceback of that one
            timeout=IMPORT_SECONDS,
        )
    except subprocess.TimeoutExpired as cause:
        raise LocalCloudError(f"to import app.py takes longer than {IMPORT_SECONDS} seconds") from cause
    if imported.returncode != 0:
        raise LocalCloudError(imported.stderr.strip().replace(f"{folder.absolute()}{os.sep}", ""))
