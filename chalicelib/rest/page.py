"""Routes of the page and its files. app.py has the other routes."""

from __future__ import annotations

from typing import Any

from chalice import Blueprint, Response

from chalicelib.errors import NotFound
from chalicelib.protocol import parameters
from chalicelib.rest import static_files
from chalicelib.rest.endpoints import Endpoints

blueprint = Blueprint(__name__)
endpoint = Endpoints(blueprint)


@blueprint.route("/")
@endpoint(content_types=["text/html"], conditional=True)
def get_page() -> Response:
    """Return the page.

    An address without the last slash gets a redirect (302) to the address with it.
    """
    request: Any = blueprint.current_request
    return static_files.serve_page(request.context.get("path", "/"))


@blueprint.route("/static/{name}")
@endpoint(
    path={"name": parameters.FILE_NAME},
    content_types=["text/css", "text/html", "text/javascript"],
    errors=[NotFound],
    conditional=True,
)
def get_page_file(name: str) -> Response:
    """Return a file of the page."""
    return static_files.serve(name)
