"""Alarms and dashboard, added to a template that has the tables and queues."""

from __future__ import annotations

from typing import Any

from deployment.alarms import CONDITIONS, PARAMETERS, alarms
from deployment.dashboard import dashboard
from deployment.functions import Functions

__all__ = ["add_monitoring"]


def add_monitoring(template: dict[str, Any], functions: Functions) -> None:
    """Add the alarms and the dashboard of the functions and of the template's tables and queues."""
    resources = template["Resources"]
    tables = [name for name, resource in resources.items() if resource["Type"] == "AWS::DynamoDB::Table"]
    template["Parameters"] |= PARAMETERS
    template["Conditions"] |= CONDITIONS
    resources |= alarms(functions, tables) | {"Dashboard": dashboard(functions, tables)}
