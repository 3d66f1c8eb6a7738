"""The one session with AWS, and the one client of DynamoDB: making another takes longer than a message does."""

from typing import Any

from pynamodb.connection import Connection

__all__ = ["dynamodb", "session"]

# A request takes milliseconds. These are for the ones that do not, and less than any function may run.
dynamodb = Connection(connect_timeout_seconds=2, read_timeout_seconds=3)


def session() -> Any:
    """Return the botocore session that the client of DynamoDB has, too."""
    return dynamodb.session
