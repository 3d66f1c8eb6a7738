"""The secret of the limits per source address: its place and its grant.

chalicelib/settings.py describes the settings.
"""

from __future__ import annotations

from typing import Any

from deployment import sign_in
from deployment.config import LOCAL_STAGE
from deployment.errors import PackageError

SECRET = "SOURCE_SECRET"  # noqa: S105 - the name of the setting

FUNCTIONS = {"api_handler.json", "websocket_connect.json"}
"""The policies of the functions that count requests by source."""


def check_secret(name: str, stage: Any) -> None:
    """Raise PackageError if a stage on AWS contains the secret itself, which .chalice/config.json would publish."""
    is_plain = stage.get("environment_variables", {}).get(SECRET) and secret_service(stage) is None
    if is_plain and name != LOCAL_STAGE:
        raise PackageError(f"{SECRET} of the stage {name} must be an ARN, not the secret itself")


def secret_service(stage: Any) -> str | None:
    """Return the AWS service that has the secret of a stage, None if the stage has no ARN. Raises PackageError."""
    return sign_in.secret_service(stage, SECRET)


def add_grant(policy: str, stage: Any) -> str:
    """Return a policy that also allows its function to read the secret of a stage, if the stage has an ARN."""
    return sign_in.add_grant(policy, stage, SECRET, "Sources")
