"""botocore's data in the package: that of the services that the functions use.

botocore describes each AWS service in JSON files, which make up five sixths of the package. The data of all others is
removed. That also makes cold starts faster: botocore lists the services, and parses their endpoints, for each client.
"""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from chalicelib.aws import SERVICES
from deployment.errors import PackageError

__all__ = ["remove_unused_services"]

DATA = PurePosixPath("botocore/data")
ENDPOINTS = str(DATA / "endpoints.json")


def remove_unused_services(archive: Path, services: Collection[str] = SERVICES) -> None:
    """Remove from an archive botocore's data of all services but these.

    Raises PackageError if botocore does not know a service.
    """
    complete = archive.with_suffix(".complete.zip")
    archive.rename(complete)
    with zipfile.ZipFile(complete) as source, zipfile.ZipFile(archive, "w") as target:
        entries = [entry for entry in source.infolist() if _service(entry.filename) in {None, *services}]
        if unknown := set(services) - {_service(entry.filename) for entry in entries}:
            raise PackageError(f"botocore has no data of the service {min(unknown)}: see SERVICES in chalicelib/aws.py")
        contents = {entry: source.read(entry) for entry in entries}
        prefixes = {_endpoint_prefix(entry.filename, content) for entry, content in contents.items()}
        for entry, content in contents.items():
            target.writestr(entry, _select(content, prefixes) if entry.filename == ENDPOINTS else content)
    complete.unlink()


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
