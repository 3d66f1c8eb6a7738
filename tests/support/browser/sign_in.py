"""A local cloud whose users sign in at a real OpenID Connect provider."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deployment import policies
from localcloud.cloud import LocalCloud, local_cloud
from localcloud.stack import HOST, STAGE
from localcloud.workarounds import REST_API_ID
from tests.support.ports import free_port
from tests.support.projects import copy_project, set_variables
from tests.support.provider import Provider, run_provider

CLIENT_ID = "page"


@contextmanager
def cloud_with_sign_in(folder: Path, node_tools: Path, **variables: str) -> Iterator[tuple[LocalCloud, Provider]]:
    """Run a copy of the project in folder, with these variables, and the provider at which its users sign in."""
    port = free_port()
    page = f"http://{HOST}:{port}/_aws/execute-api/{REST_API_ID}/{STAGE}/"
    with run_provider(node_tools, free_port(), CLIENT_ID, page) as provider:
        project = folder / "project"
        project.mkdir()
        copy_project(project)
        sign_in = {"AUTH_ISSUER": provider.url, "AUTH_AUDIENCE": CLIENT_ID, "AUTH_CLIENT_ID": CLIENT_ID}
        set_variables(project, STAGE, **sign_in, **variables)
        policies.write(project)
        with local_cloud(port, folder / "cloud", print, project) as cloud:
            yield cloud, provider
