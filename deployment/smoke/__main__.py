"""Smoke test of a deployed chat.

python -m deployment.smoke STAGE takes the address from the stack of a stage, python -m deployment.smoke URL is told the
address of the REST API, such as https://abcdef1234.execute-api.us-east-1.amazonaws.com/dev. Optional environment
variables: TOKEN, the access token of a user, where users sign in; ONLY, a part of the names of the scenarios to run;
ALLOWED_ORIGINS, MESSAGES_PER_WINDOW and WINDOW_SECONDS, if the chat at URL has other ones than the defaults.
"""

from __future__ import annotations

import asyncio
import os
import sys

import requests

from deployment.account import current_account
from deployment.config import read_stage, stack_name
from deployment.errors import DeployError, errors_reported
from deployment.smoke.differences import Difference
from deployment.stack import Stack

SETTINGS = ("ALLOWED_ORIGINS", "MESSAGES_PER_WINDOW", "WINDOW_SECONDS")
"""The settings of a stage that clients notice."""


def use_settings(stage: str) -> None:
    """Set the environment variables that SETTINGS names, as the stage has them."""
    variables = read_stage(stage)["environment_variables"]
    os.environ.update({name: variables[name] for name in SETTINGS if name in variables})


def find_address(stage: str) -> str:
    """Return the address of a stage's REST API. Raises DeployError if the stage is not deployed."""
    account = current_account()
    stack = Stack(account.client("cloudformation"), stack_name(stage))
    if stack.describe() is None:
        raise DeployError(
            f"there is no stack {stack.name} in {account.region}: run `make deploy STAGE={stage}`, "
            "or name the address of the chat: `make smoke URL=https://…`"
        )
    return stack.output("EndpointURL")


def main(target: str) -> int:
    """Test the chat of a stage or at an address, and return the exit code."""
    address = target
    if "://" not in target:
        use_settings(target)
        address = find_address(target)
    # They import chalicelib.settings, which reads the settings when it is imported.
    from deployment.smoke.client import Chat
    from deployment.smoke.run import SmokeTest

    print(f"Chat: {address}", flush=True)
    try:
        chat = Chat.at(address, os.environ.get("TOKEN", ""))
        return 0 if asyncio.run(SmokeTest(chat).run(os.environ.get("ONLY", ""))) else 1
    except (Difference, requests.RequestException) as error:
        print(f"error: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("error: stopped before the end; the rooms are closed", file=sys.stderr)
    return 1


if __name__ == "__main__":
    with errors_reported():
        sys.exit(main(sys.argv[1]))
