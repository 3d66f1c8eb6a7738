"""Secrets in AWS Secrets Manager or in the Parameter Store of AWS Systems Manager."""

from __future__ import annotations

import logging
import time

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import settings
from chalicelib.auth.configuration import MIN_SECRET_BYTES
from chalicelib.aws import session

MAX_AGE_SECONDS = 300
"""Time for which a secret is cached. A new value is used after at most that time."""

RETRY_SECONDS = 5
"""Minimum time between two requests after the first has failed."""

_cache: dict[str, tuple[float, str | None]] = {}
"""The value of each secret, None after a failure, and the time until which it is valid."""

log = logging.getLogger(f"{settings.APP_NAME}.secret_values")


class SecretUnavailable(Exception):
    """A secret cannot be read at present. The log has the reason."""


def read(name: str) -> str:
    """Return the secret. `name` is its ARN, or the secret itself.

    While AWS does not respond, the value that it returned before is used.

    Raises SecretUnavailable if AWS does not return the secret, or it is not a text of at least MIN_SECRET_BYTES.
    """
    if not name.startswith("arn:"):
        return name
    valid_until, value = _cache.get(name, (0.0, None))
    if time.monotonic() >= valid_until:
        try:
            value = _fetch(name)
        except (BotoCoreError, ClientError, ValueError) as error:
            if not isinstance(error, BotoCoreError):  # AWS has responded; otherwise the former value is used
                value = None
            log.warning("could not read the secret %s: %s", name, error)
            _cache[name] = time.monotonic() + RETRY_SECONDS, value
        else:
            _cache[name] = time.monotonic() + MAX_AGE_SECONDS, value
    if value is None:
        raise SecretUnavailable
    return value


def _fetch(arn: str) -> str:
    service, region = arn.split(":")[2:4]
    # One attempt: a sign-in waits for it.
    config = Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 1})
    client = session().create_client(service, region_name=region, config=config)
    if service == "secretsmanager":
        value = client.get_secret_value(SecretId=arn).get("SecretString", "")  # a binary secret has none
    else:
        value = client.get_parameter(Name=arn, WithDecryption=True)["Parameter"]["Value"]
    if len(value.encode()) < MIN_SECRET_BYTES:
        raise ValueError(f"expected a text of at least {MIN_SECRET_BYTES} bytes")
    return str(value)
