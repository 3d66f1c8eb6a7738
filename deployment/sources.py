"""The secret of the limits per source address: its place and its grant.

chalicelib/settings.py describes the settings.
"""

from __future__ import annotations

from typing import Any

from deployment import sign_in

SECRET = "SOURCE_SECRET"  # noqa: S105 - the name of the setting

FUNCTIONS = {"api_handler.json", "websocket_connect.json"}
"""The policies of the functions that count requests by source."""


def check_secret(name: str, stage: Any) -> None:
    """Raise PackageError if a stage on AWS contains the secret itself, which .chalice/config.json would publish."""
    sign_in.check_secret(name, stage, SECRET)


def secret_service(stage: Any) -> str | None:
    """Return the AWS service that has the secret of a stage, None if the stage has no ARN. Raises PackageError."""
    return sign_in.secret_service(stage, SECRET)


def add_grant(policy: str, stage: Any) -> str:
    """Return a policy that also allows its function to read the secret of a stage, if the stage has an ARN."""
    return sign_in.add_grant(policy, stage, SECRET, "Sources")
