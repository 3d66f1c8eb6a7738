"""List the rooms of the running local cloud, and who is in them: python -m localcloud.rooms. PORT as for the cloud."""

import json
import os
import sys
from collections.abc import Iterator
from http.client import HTTPException

from pynamodb.exceptions import PynamoDBException

from localcloud.cloud import ask_health, chosen_port
from localcloud.errors import LocalCloudError
from localcloud.package import PROJECT
from localcloud.stack import HOST, STAGE


def listing(port: int) -> Iterator[str]:
    """Write a line for each room, oldest first, and one for each of its members. Raises LocalCloudError."""
    config = json.loads((PROJECT / ".chalice/config.json").read_text())
    os.environ.update(config["stages"][STAGE]["environment_variables"], AWS_ENDPOINT_URL=f"http://{HOST}:{port}")
    from chalicelib.models import Connection, Room  # which reads the environment

    try:
        ask_health(port)
        for room in sorted((room for room in Room.scan() if room.is_alive), key=lambda room: room.created_at):
            yield f"{room.room_id}  {room.name}{'' if room.token_hash is None else '  (private)'}"
            yield from sorted(
                f"    {member.name}" for member in Connection.by_room.query(room.room_id) if member.is_alive
            )
    except (OSError, HTTPException, PynamoDBException) as cause:
        raise LocalCloudError(
            f"no local cloud answers at port {port}: `make run` starts one, `PORT=8080 make rooms` asks at another"
        ) from cause


def main() -> int:
    """Print the listing, and return the exit code."""
    try:
        lines = list(listing(chosen_port()))
    except LocalCloudError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print("\n".join(lines or ["There are no rooms."]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
