"""The parts of botocore, and of the urllib3 below it, that the functions use.

botocore describes each AWS service in JSON files, which make up five sixths of the package. Only the files of the used
services stay. That also makes cold starts faster: botocore lists the services and parses their endpoints.
"""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from chalicelib.aws import SERVICES
from deployment.errors import PackageError

__all__ = ["remove_unused_parts"]

DATA = PurePosixPath("botocore/data")
DOCUMENTATION = PurePosixPath("botocore/docs")
ENDPOINTS = str(DATA / "endpoints.json")

STUBS = {
    "urllib3/http2/__init__.py": "",
    str(DOCUMENTATION / "__init__.py"): "",
    str(DOCUMENTATION / "docstring.py"): (
        "class ClientMethodDocstring(str):\n"
        "    def __new__(cls, *arguments, **options):\n"
        "        return super().__new__(cls)\n\n\n"
        "PaginatorDocstring = WaiterDocstring = ClientMethodDocstring\n"
    ),
}
"""The modules that replace others: botocore.docs, which renders the docstrings of clients, imports an HTML parser, and
urllib3.http2, which only programs that switch HTTP/2 on need, imports importlib.metadata. Each takes a twentieth of a
cold start."""

KEPT = str(DOCUMENTATION / "utils.py")  # botocore.handlers imports it


def remove_unused_parts(archive: Path, services: Collection[str] = SERVICES) -> None:
    """Remove from an archive botocore's data of all services but these, and its documentation.

    Raises PackageError if botocore does not know a service.
    """
    complete = archive.with_suffix(".complete.zip")
    archive.rename(complete)
    with zipfile.ZipFile(complete) as source, zipfile.ZipFile(archive, "w") as target:
        entries = [entry for entry in source.infolist() if _is_used(entry.filename, services)]
        packaged = {_service(entry.filename) for entry in entries}
        # A package for its template alone contains no requirements.
        if any(packaged) and (unknown := set(services) - packaged):
            raise PackageError(f"botocore has no data of the service {min(unknown)}: see SERVICES in chalicelib/aws.py")
        contents = {entry: source.read(entry) for entry in entries}
        prefixes = {_endpoint_prefix(entry.filename, content) for entry, content in contents.items()}
        for entry, content in contents.items():
            if entry.filename in STUBS:
                content = STUBS[entry.filename].encode()
            elif entry.filename == ENDPOINTS:
                content = _select(content, prefixes)
            target.writestr(entry, content)
    complete.unlink()


def _is_used(name: str, services: Collection[str]) -> bool:
    is_documentation = DOCUMENTATION in PurePosixPath(name).parents
    return name in {KEPT, *STUBS} or (not is_documentation and _service(name) in {None, *services})


def _service(name: str) -> str | None:
    """Return the service that a file of botocore describes, None for all other files."""
    path = PurePosixPath(name)
    is_service = DATA in path.parents and len(path.parts) > len(DATA.parts) + 1
    return path.parts[len(DATA.parts)] if is_service else None


def _endpoint_prefix(name: str, content: bytes) -> str | None:
    """Return the name in endpoints.json of the service that a service model describes; None for other files."""
    file = PurePosixPath(name).name
    if _service(name) is None or not file.startswith("service-2.json"):
        return None
    model = json.loads(gzip.decompress(content) if file.endswith(".gz") else content)
    return str(model["metadata"]["endpointPrefix"])


def _select(content: bytes, prefixes: Collection[str | None]) -> bytes:
    """Return endpoints.json with the services of these names only."""
    endpoints = json.loads(content)
    for partition in endpoints["partitions"]:
        partition["services"] = {name: value for name, value in partition["services"].items() if name in prefixes}
    return json.dumps(endpoints, separators=(",", ":")).encode()
