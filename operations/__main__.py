"""The operator's commands: python -m operations rooms | close-room | export-room | delete-messages | ban-source | …

Environment variables: STAGE, by default the local chat at PORT; those that a command needs, such as ROOM; and those of
the AWS SDKs, for the credentials and the Region.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from deployment.config import LOCAL_STAGE
from deployment.errors import errors_reported
from localcloud.errors import LocalCloudError
from operations.errors import OperationError
from operations.stage import use_stage


def run(command: str) -> Iterator[str]:
    """Run a command on the stage in the environment, and yield the lines of its output."""
    from operations import rooms, sources  # they read the environment when imported

    match command:
        case "rooms":
            return rooms.list_rooms(os.environ.get("SORT") or "age")
        case "close-room":
            return rooms.close_room(_required("ROOM"))
        case "export-room":
            return rooms.export_room(_required("ROOM"))
        case "delete-messages":
            return rooms.delete_messages(_required("ROOM"), _required("MEMBER"))
        case "ban-source":
            return sources.ban_source(_required("SOURCE"), os.environ.get("DAYS") or "7")
        case "unban-source":
            return sources.unban_source(_required("SOURCE"))
    raise OperationError(f"there is no command {command}")


def main(command: str) -> None:
    """Run a command, and print its output. Raises OperationError."""
    try:
        use_stage(os.environ.get("STAGE") or LOCAL_STAGE)
    except LocalCloudError as cause:
        raise OperationError(str(cause)) from cause
    from chalicelib.delivery.addresses import ApiNotFound  # see above
    from chalicelib.errors import ChatError
    from chalicelib.storage.transactions import StorageError

    try:
        for line in run(command):
            print(line)
    except (ApiNotFound, ChatError, StorageError) as cause:
        raise OperationError(str(cause)) from cause


def _required(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise OperationError(f"{name} is missing: expected {name}=…")
    return value


if __name__ == "__main__":
    with errors_reported(OperationError):
        main(sys.argv[1])
