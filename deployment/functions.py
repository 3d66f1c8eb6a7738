"""The Lambda functions of a template: their names, and where their code is.

`Functions` is a mapping from the function's name in .chalice/config.json to its name on AWS, written as for `Fn::Sub`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from deployment.template import of_type

Functions = Mapping[str, str]


def packaged_functions(resources: dict[str, Any]) -> Functions:
    """Return the functions in a template of `chalice package`, which CloudFormation names."""
    return {name: f"${{{logical_id}}}" for name, logical_id in logical_ids(resources).items()}


def logical_ids(resources: dict[str, Any]) -> Mapping[str, str]:
    """Return the logical IDs of the functions in a template of `chalice package`."""
    ids = of_type(resources, "AWS::Serverless::Function")
    return {re.sub(r"(?<!^)(?=[A-Z][a-z])", "_", name).lower(): name for name in ids}


def deployed_functions(names: Iterable[str]) -> Functions:
    """Return the functions with the names that `chalice deploy` gives them."""
    prefix = "chalice-chat-${Stage}"
    return {name: prefix if name == "api_handler" else f"{prefix}-{name}" for name in names}


def locate_code(resources: dict[str, Any], bucket: str, key: str) -> None:
    """Let the functions in a template of `chalice package` load their code from S3."""
    for function in of_type(resources, "AWS::Serverless::Function").values():
        function["Properties"]["CodeUri"] = {"Bucket": bucket, "Key": key}
