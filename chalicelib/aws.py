"""The one session with AWS, and the one client of DynamoDB: making another takes longer than a message does."""

from typing import Any

from pynamodb.connection import Connection

from chalicelib import invocation

__all__ = ["dynamodb", "session"]


class _Counted(Connection):
    """A client that counts its requests for the log."""

    def dispatch(self, operation_name: str, operation_kwargs: dict[str, Any]) -> dict[str, Any]:
        invocation.count(requests=1)
        return super().dispatch(operation_name, operation_kwargs)


# A request takes milliseconds. These are for the ones that do not, and less than any function may run.
dynamodb = _Counted(connect_timeout_seconds=2, read_timeout_seconds=3)


def session() -> Any:
    """Return the botocore session that the client of DynamoDB has, too."""
    return dynamodb.session
