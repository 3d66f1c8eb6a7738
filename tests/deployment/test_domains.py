"""Domains of your own, configured as docs/deploying.md says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from deployment.package import package
from tests.support.projects import PROJECT, copy_project
from tests.support.sam import expand


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Copy what the template is made from, and return the file of the stages."""
    copy_project(tmp_path)
    return tmp_path / ".chalice/config.json"


def test_custom_domains_map_to_the_stages_of_both_apis(config: Path, tmp_path: Path) -> None:
    section = (PROJECT / "docs/deploying.md").read_text().split("\n## Domains of your own\n")[1].split("\n## ")[0]
    blocks = re.findall(r"(?:^ {7}[\"} ].*\n)+", section, re.MULTILINE)
    domains, variables = (json.loads(f"{{{block}}}") for block in blocks[:2])
    stages = json.loads(config.read_text())
    stages["stages"]["prod"] |= domains
    stages["stages"]["prod"]["environment_variables"] |= variables
    config.write_text(json.dumps(stages))
    package("prod", tmp_path / "build", tmp_path)

    expanded = expand(tmp_path / "build")
    of_type: dict[str, Any] = {resource["Type"]: resource["Properties"] for resource in expanded.values()}
    assert of_type["AWS::ApiGateway::DomainName"]["DomainName"] == "chat.example.org"
    assert of_type["AWS::ApiGatewayV2::DomainName"]["DomainName"] == "ws.chat.example.org"
    rest, websocket = of_type["AWS::ApiGateway::BasePathMapping"], of_type["AWS::ApiGatewayV2::ApiMapping"]
    assert (rest["RestApiId"], websocket["ApiId"]) == ({"Ref": "RestAPI"}, {"Ref": "WebsocketAPI"})
    # References, so that CloudFormation creates both stages before the mappings.
    assert expanded[rest["Stage"]["Ref"]]["Type"] == "AWS::ApiGateway::Stage"
    assert expanded[websocket["Stage"]["Ref"]]["Type"] == "AWS::ApiGatewayV2::Stage"
    assert variables["WEBSOCKET_URL"] == f"wss://ws.chat.example.org/{websocket['ApiMappingKey']}"
