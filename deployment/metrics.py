"""CloudWatch metrics that the dashboard shows and the alarms watch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from deployment.functions import Functions


@dataclass(frozen=True)
class Metric:
    """One metric. The values of its dimensions are written as for `Fn::Sub`."""

    id: str
    namespace: str
    name: str
    dimensions: dict[str, str]

    def for_dashboard(self) -> list[Any]:
        """Return the metric as dashboards have it ("Dashboard body structure and syntax")."""
        dimensions = [part for dimension in self.dimensions.items() for part in dimension]
        return [self.namespace, self.name, *dimensions, {"label": self.id}]

    def for_alarm(self) -> dict[str, Any]:
        """Return the metric as alarms have it ("AWS::CloudWatch::Alarm Metric")."""
        dimensions = [
            {"Name": name, "Value": {"Fn::Sub": value} if "${" in value else value}
            for name, value in self.dimensions.items()
        ]
        return {"Namespace": self.namespace, "MetricName": self.name, "Dimensions": dimensions}


def chat(name: str) -> Metric:
    """Return a metric that the functions log (chalicelib/request_log.py)."""
    return Metric(name, "ChaliceChat", name, {"stage": "${Stage}"})


def lambda_functions(name: str, functions: Functions) -> list[Metric]:
    """Return a metric of AWS Lambda, for each function."""
    return [
        Metric(function, "AWS/Lambda", name, {"FunctionName": deployed}) for function, deployed in functions.items()
    ]


def messages_in(queue: str) -> Metric:
    """Return the number of messages that can be received from a queue, given by its logical ID."""
    name = "ApproximateNumberOfMessagesVisible"
    return Metric(queue, "AWS/SQS", name, {"QueueName": f"${{{queue}.QueueName}}"})


def throttles(functions: Functions, tables: Iterable[str]) -> list[Metric]:
    """Return the throttles of all functions, of writes to all tables, and of the query for a room's members."""
    writes = [
        Metric(f"writes_{table}", "AWS/DynamoDB", "WriteThrottleEvents", {"TableName": f"${{{table}}}"})
        for table in tables
    ]
    index = {"TableName": "${ConnectionsTable}", "GlobalSecondaryIndexName": "joined_room_id-index"}
    members = Metric("reads_members", "AWS/DynamoDB", "ReadThrottleEvents", index)
    return [*lambda_functions("Throttles", functions), *writes, members]
