"""Build of the page after each save in web/, while the local cloud runs."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from deployment.config import PROJECT

WEB = PROJECT / "web"


@contextmanager
def page_rebuilt_on_save() -> Iterator[None]:
    """Build the page into chalicelib/static/ after each save in web/, if Node.js and the packages of web/ are there.

    Without them, the committed files are served.
    """
    node = shutil.which("node")
    if node is None or not (WEB / "node_modules").is_dir():
        yield
        return
    # The process ends when its standard input closes, however this process ends.
    with subprocess.Popen([node, "build.mjs", "--watch"], cwd=WEB, stdin=subprocess.PIPE, start_new_session=True):
        yield
