"""The DynamoDB client that all models share."""

from __future__ import annotations

from typing import Any

from pynamodb.connection import Connection

from chalicelib import aws, request_log


class _Client(Connection):
    """A client on the shared session that counts its requests for the log."""

    @property
    def session(self) -> Any:
        """Return the shared session. PynamoDB would create one per thread."""
        return aws.session()

    def dispatch(self, operation_name: str, operation_kwargs: dict[str, Any]) -> dict[str, Any]:
        """Send a request, and count it."""
        request_log.add_metric(dynamodb_requests=1)
        return super().dispatch(operation_name, operation_kwargs)


# A request takes milliseconds. These timeouts, in seconds, are shorter than the timeout of any function.
dynamodb = _Client(connect_timeout_seconds=2, read_timeout_seconds=3)

if aws.is_configured():
    # Lambda imports modules with a full vCPU, and runs handlers with the share of their memory ("Lambda execution
    # environment lifecycle", "Configure Lambda function memory"). Creating the client takes longer than a message.
    _ = dynamodb.client
