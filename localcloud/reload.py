"""Reload of saved files: watch the project, and update the running local cloud with each change."""

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

from deployment.config import PROJECT
from deployment.errors import PackageError
from deployment.package import package
from localcloud.errors import LocalCloudError
from localcloud.stack import STAGE, Stack

IMPORT_SECONDS = 10
"""Lambda's time limit for initialization ("Understanding the Lambda execution environment lifecycle")."""

ROOT_FILES = ("app.py", "requirements.txt")

Files = dict[str, bytes]


class Reloader:
    """Updates the local cloud with the files saved since the reloader was created. Works in folder."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder, self._say = folder, say
        self._tried = _read_files()
        self._live_code, self._live_config = _code(self._tried), _config(self._tried)

    @contextmanager
    def watching(self, stack: Stack) -> Iterator[None]:
        """Update the stack with changes since the reloader was created, and with further ones until the block ends."""
        stop = threading.Event()
        paths = [*(PROJECT / name for name in ROOT_FILES), PROJECT / "chalicelib", PROJECT / ".chalice"]

        def follow() -> None:
            # Also once a second: when an editor replaces a file by another, not every system reports it.
            for _ in watch(*paths, stop_event=stop, rust_timeout=1_000, yield_on_timeout=True):
                self._reload(stack)

        thread = threading.Thread(target=follow)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _reload(self, stack: Stack) -> None:
        saved, before = _read_files(), self._tried
        if saved == before:
            return
        self._tried = saved
        if saved.get("requirements.txt") != before.get("requirements.txt"):
            self._say("requirements.txt changed: stop with Ctrl-C and start again with `make run` to install it")
        try:
            self._update_code(stack, _code(saved))
            self._update_stack(stack, _config(saved))
        except (LocalCloudError, PackageError) as error:
            self._say(f"{error}\nReload failed; the previous version keeps running")
        except Exception:  # noqa: BLE001 - a half-written project can fail in any way; the next save is tried again
            self._say(f"{traceback.format_exc()}\nReload failed; the next save is tried again")

    def _update_code(self, stack: Stack, code: Files) -> None:
        if code == self._live_code:
            return
        started = time.monotonic()
        folder = self._folder / "code"
        shutil.rmtree(folder, ignore_errors=True)
        _write_files(code, folder)
        _check_import(folder, stack.environment())
        # Without the requirements, which the functions find in .venv: a small archive is live sooner.
        stack.update_code(Path(shutil.make_archive(str(folder), "zip", folder)))
        names = {name for name, _ in code.items() ^ self._live_code.items()}
        self._live_code = code
        self._say(f"Reloaded in {time.monotonic() - started:.1f} s: {', '.join(sorted(names))}")

    def _update_stack(self, stack: Stack, config: Files) -> None:
        if config == self._live_config:
            return
        started = time.monotonic()
        project, packaged = self._folder / "project", self._folder / "next"
        shutil.rmtree(project, ignore_errors=True)
        # Without the requirements: the template does not depend on them, and packing them takes longest.
        _write_files(_code(self._live_code) | config | {"requirements.txt": b""}, project)
        package(STAGE, packaged, project)
        if stack.update(packaged / "sam.json"):
            self._say(f"Reloaded in {time.monotonic() - started:.1f} s: the stack, from app.py and .chalice/")
        self._live_config = config


def _read_files() -> Files:
    """Read the files of the project that the local cloud depends on."""
    is_source = DefaultFilter()  # leaves out bytecode and editors' temporary files
    paths = [
        *(PROJECT / name for name in ROOT_FILES),
        *(PROJECT / "chalicelib").rglob("*"),
        *(PROJECT / ".chalice").glob("*.*"),
        *(PROJECT / ".chalice/policies").rglob("*.json"),
    ]
    files = {}
    for path in paths:
        name = str(path.relative_to(PROJECT))
        with suppress(FileNotFoundError):  # an editor may be replacing the file at this moment
            if path.is_file() and is_source(Change.modified, name):
                files[name] = path.read_bytes()
    return files


def _code(files: Files) -> Files:
    """Return the files that the functions run."""
    return {name: content for name, content in files.items() if name.startswith(("app.py", "chalicelib"))}


def _config(files: Files) -> Files:
    """Return the files that the stack's template is made from."""
    return {name: content for name, content in files.items() if name.startswith(("app.py", ".chalice"))}


def _write_files(files: Files, folder: Path) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _check_import(folder: Path, environment: dict[str, str]) -> None:
    """Import the app as Lambda does. Raises LocalCloudError with the traceback when that fails."""
    try:
        imported = subprocess.run(
            [sys.executable, "-c", "from app import app"],
            cwd=folder,
            env={**os.environ, **environment, "PYTHONDONTWRITEBYTECODE": "1"},
            text=True,
            capture_output=True,
            check=False,
            start_new_session=True,  # so that Ctrl-C does not interrupt the import with a traceback
            timeout=IMPORT_SECONDS,
        )
    except subprocess.TimeoutExpired as cause:
        raise LocalCloudError(f"importing app.py takes longer than {IMPORT_SECONDS} seconds") from cause
    if imported.returncode != 0:
        raise LocalCloudError(imported.stderr.strip().replace(f"{folder.absolute()}{os.sep}", ""))
