"""Alarms, dashboard and log groups, added to a template that has the tables and queues."""

from __future__ import annotations

from typing import Any

from deployment import alarms, log_groups
from deployment.dashboard import dashboard
from deployment.functions import Functions
from deployment.template import of_type


def add_monitoring(template: dict[str, Any], functions: Functions) -> None:
    """Add the functions' log groups, and the alarms and the dashboard of the functions, tables and queues."""
    resources = template["Resources"]
    tables = list(of_type(resources, "AWS::DynamoDB::Table"))
    template["Parameters"] |= alarms.PARAMETERS | log_groups.PARAMETERS
    template["Conditions"] |= alarms.CONDITIONS
    resources |= log_groups.log_groups(functions)
    resources |= alarms.alarms(functions, tables) | {"Dashboard": dashboard(functions, tables)}
