"""Remove what the functions do not use: parts of botocore and urllib3, and the bytecode of earlier runs.

All files can then be read by everybody: Lambda runs the functions as another user than the owner of the files.

A package for the local cloud also loses the compiled requirements: its functions have those of the virtual environment.

botocore describes each AWS service in JSON files. Without those of the unused services, the package is a sixth of its
size, and cold starts are faster: botocore lists the services and parses their endpoints.
"""

from __future__ import annotations

import csv
import gzip
import json
import zipfile
from collections.abc import Collection, Set
from pathlib import Path, PurePosixPath

from chalicelib.aws import SERVICES
from deployment.archive import FILE_MODE
from deployment.errors import PackageError

DATA = "botocore/data/"
DOCUMENTATION = "botocore/docs/"
ENDPOINTS = f"{DATA}endpoints.json"

STUBS = {
    "urllib3/http2/__init__.py": "",
    f"{DOCUMENTATION}__init__.py": "",
    f"{DOCUMENTATION}docstring.py": (
        "class ClientMethodDocstring(str):\n"
        "    def __new__(cls, *arguments, **options):\n"
        "        return super().__new__(cls)\n\n\n"
        "PaginatorDocstring = WaiterDocstring = ClientMethodDocstring\n"
    ),
}
"""Modules that are replaced, because importing each takes a twentieth of a cold start.

botocore.docs renders the docstrings of clients, and imports an HTML parser. urllib3.http2 imports importlib.metadata;
only programs that enable HTTP/2 need it.
"""

KEPT = f"{DOCUMENTATION}utils.py"  # botocore.handlers imports it


def remove_unused_parts(archive: Path, secret_services: Set[str] = frozenset(), *, keep_compiled: bool = True) -> None:
    """Remove from an archive what is not used. SERVICES and secret_services are the services that are.

    keep_compiled: whether requirements with compiled modules stay, which run on Lambda's system only.
    Raises PackageError if botocore has no data of one of them.
    """
    services = {*SERVICES, *secret_services}
    complete = archive.with_suffix(".complete.zip")
    archive.rename(complete)
    with zipfile.ZipFile(complete) as source, zipfile.ZipFile(archive, "w") as target:
        removed = set() if keep_compiled else _compiled_requirements(source)
        entries = [
            entry for entry in source.infolist() if entry.filename not in removed and _is_used(entry.filename, services)
        ]
        packaged = {_service(entry.filename) for entry in entries}
        # A package for its template alone contains no requirements.
        if any(packaged) and (unknown := services - packaged):
            raise PackageError(f"botocore has no data of the service {min(unknown)}: see SERVICES in chalicelib/aws.py")
        contents = {entry: source.read(entry) for entry in entries}
        prefixes = {_endpoint_prefix(entry.filename, content) for entry, content in contents.items()}
        for entry, content in contents.items():
            if entry.filename in STUBS:
                content = STUBS[entry.filename].encode()
            elif entry.filename == ENDPOINTS:
                content = _select(content, prefixes)
            entry.external_attr = FILE_MODE << 16  # Chalice packs the modes of the checkout
            target.writestr(entry, content)
    complete.unlink()


def _compiled_requirements(source: zipfile.ZipFile) -> set[str]:
    """Return the files of the requirements that have compiled modules, from the lists that wheels contain."""
    lists = [name for name in source.namelist() if name.endswith(".dist-info/RECORD")]
    installed = [{row[0] for row in csv.reader(source.read(name).decode().splitlines())} for name in lists]
    return set().union(*(files for files in installed if any(name.endswith(".so") for name in files)))


def _is_used(name: str, services: Collection[str]) -> bool:
    if "/__pycache__/" in name:  # Chalice packs every file of chalicelib, and what other processes compile meanwhile
        return False
    if name.startswith(DOCUMENTATION):
        return name == KEPT or name in STUBS
    return _service(name) in {None, *services}


def _service(name: str) -> str | None:
    """Return the service that a file of botocore describes, None for all other files."""
    service, is_folder, _ = name.removeprefix(DATA).partition("/")
    return service if name.startswith(DATA) and is_folder else None


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
