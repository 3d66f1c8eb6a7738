"""The botocore session that all AWS clients share."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config

SERVICES = ("apigatewaymanagementapi", "apigatewayv2", "dynamodb", "sqs")
"""The services that the functions use. deployment/unused_parts.py packages botocore's data of these services only."""

SECRET_SERVICES = ("secretsmanager", "ssm")
"""The services that the ARNs in AUTH_SECRET and SOURCE_SECRET may name. The package has botocore's data of those."""

CREDENTIAL_SERVICES = ("signin", "sso", "sso-oidc", "sts")
"""The services that profiles on a developer's machine may take credentials from."""


class _Session(botocore.session.Session):  # type: ignore[misc] # botocore has no type hints
    def register(self, event_name: str, *arguments: Any, **options: Any) -> None:
        """Register a handler, unless it is for another service or for documentation.

        botocore registers more than 100 of those for each session, which takes a twelfth of a cold start.
        """
        kind, _, service = event_name.partition(".")
        if kind != "docs" and service.split(".")[0] in ("", "*", *SERVICES, *SECRET_SERVICES, *CREDENTIAL_SERVICES):
            super().register(event_name, *arguments, **options)

    def create_client(self, service_name: str, *arguments: Any, **options: Any) -> Any:
        """Create a client. Raises ValueError if the service is not one of those above."""
        if service_name not in SERVICES + SECRET_SERVICES + CREDENTIAL_SERVICES:
            raise ValueError(
                f"the package has no data for the service {service_name}: add it to SERVICES in {__name__}"
            )
        return super().create_client(service_name, *arguments, **options)


@cache
def session() -> Any:
    """Return the session. It reads the environment, and needs no network.

    Creating another one takes longer than handling a message.
    """
    session = _Session()
    # Otherwise botocore builds a longer user agent, twice for each request, in a fifth of the time of a request.
    user_agent = f"{session.user_agent_name}/{session.user_agent_version}"
    session.set_default_client_config(Config(user_agent=user_agent))
    return session


def is_configured() -> bool:
    """Return whether the environment has credentials and a Region, as on Lambda. Clients then need no network."""
    return "AWS_ACCESS_KEY_ID" in os.environ and "AWS_DEFAULT_REGION" in os.environ
