"""List of the rooms and members of the running local cloud.

python -m localcloud.rooms; PORT chooses the port of the local cloud, as for `python -m localcloud`.
"""

import os
import sys
from collections.abc import Iterator
from http.client import HTTPException

from pynamodb.exceptions import PynamoDBException

from deployment.config import read_stage
from localcloud.cloud import check_health, chosen_port
from localcloud.errors import LocalCloudError
from localcloud.stack import HOST, STAGE


def list_rooms(port: int) -> Iterator[str]:
    """Yield a line for each room, oldest first, followed by one for each member.

    Raises LocalCloudError if no local cloud responds.
    """
    os.environ.update(read_stage(STAGE)["environment_variables"], AWS_ENDPOINT_URL=f"http://{HOST}:{port}")
    from chalicelib.storage.models import Connection, Room  # reads the environment when imported

    try:
        check_health(port)
        for room in sorted((room for room in Room.scan() if room.is_alive), key=lambda room: room.created_at):
            yield f"{room.room_id}  {room.name}{'' if room.token_hash is None else '  (private)'}"
            yield from sorted(
                f"    {member.name}" for member in Connection.by_room.query(room.room_id) if member.is_alive
            )
    except (OSError, HTTPException, PynamoDBException) as cause:
        raise LocalCloudError(
            f"no local cloud responds at port {port}: start it with `make run`,"
            " or name another port: PORT=8080 make rooms"
        ) from cause


def main() -> int:
    """Print the list, and return the exit code."""
    try:
        lines = list(list_rooms(chosen_port()))
    except LocalCloudError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print("\n".join(lines or ["There are no rooms."]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
