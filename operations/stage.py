"""The stage that a command works on: one on AWS, or the local chat."""

from __future__ import annotations

import os
import sys
from http.client import HTTPException

from deployment.account import current_account
from deployment.config import LOCAL_STAGE, read_stage
from localcloud.cloud import check_health, chosen_port
from localcloud.errors import LocalCloudError
from localcloud.stack import HOST
from localcloud.workarounds import WEBSOCKET_API_ID


def use_stage(stage: str) -> None:
    """Set the environment variables of the functions of a stage. chalicelib reads them when it is imported.

    Raises PackageError if there is no such stage, DeployError without credentials or Region, and LocalCloudError if no
    local cloud responds at PORT.
    """
    variables = read_stage(stage)["environment_variables"]
    if stage == LOCAL_STAGE:
        os.environ.update(variables | _local_endpoints())
        return
    account = current_account()
    os.environ.update(variables, AWS_DEFAULT_REGION=account.region)
    print(f"The stage {stage} in the account {account.id}, {account.region}:", file=sys.stderr)


def _local_endpoints() -> dict[str, str]:
    port = chosen_port()
    try:
        check_health(port)
    except (OSError, HTTPException) as cause:
        raise LocalCloudError(
            f"no local cloud responds at port {port}: start it with `make run`,"
            " or name another port: PORT=8080 make rooms"
        ) from cause
    endpoint = f"http://{HOST}:{port}"
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": f"{endpoint}/_aws/execute-api/{WEBSOCKET_API_ID}/{LOCAL_STAGE}",
    }
