"""The names of the page's built files, which contain a hash of their content."""

from __future__ import annotations

from tests.support.projects import PROJECT

FOLDER = PROJECT / "chalicelib/static"

(SCRIPT,) = [path.name for path in FOLDER.glob("page-*.js")]
(STYLE,) = [path.name for path in FOLDER.glob("style-*.css")]
