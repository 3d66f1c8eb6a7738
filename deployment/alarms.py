"""The CloudWatch alarms of a stage."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from deployment.functions import Functions
from deployment.metrics import Metric, chat, lambda_functions, messages_in, throttles
from deployment.template import differs, value_if

PERIOD_SECONDS = 300
MAX_TICK_DELAY_MS = 30_000
MINUTES = 3
"""Minutes in a row with too many invocations, before the alarm goes off."""

PARAMETERS = {
    "AlarmTopic": {
        "Type": "String",
        "Default": "",
        "Description": "ARN of the SNS topic that receives the alarms; empty for none.",
    },
    "MaxInvocationsPerMinute": {
        "Type": "Number",
        "Default": 20_000,
        "MinValue": 1,
        "Description": "Invocations of all functions per minute, above which an alarm goes off.",
    },
}
CONDITIONS = {"HasAlarmTopic": differs("AlarmTopic", "")}


def alarms(functions: Functions, tables: Iterable[str]) -> dict[str, Any]:
    """Return the alarms as CloudFormation resources; tables are logical IDs."""
    return {
        "ErrorsAlarm": _alarm(
            "errors",
            "A function failed or returned an internal error: search its log for the reference, or for faults.",
            _sum([*lambda_functions("Errors", functions), chat("faults")], "errors and faults of all functions"),
        ),
        "DeadLettersAlarm": _alarm(
            "dead-letters",
            "A job of the fan-out queue failed five times: members may miss a frame, or stay connected when removed.",
            {
                **messages_in("FanoutDeadLetters").for_alarm(),
                "Statistic": "Maximum",
                "Period": PERIOD_SECONDS,
            },
        ),
        "TicksAlarm": _alarm(
            "ticks",
            "Messages in a large room waited for more than 30 seconds before their tick began: see docs/operations.md.",
            {
                **chat("tick_delay_ms").for_alarm(),
                "Statistic": "Maximum",
                "Period": PERIOD_SECONDS,
                "Threshold": MAX_TICK_DELAY_MS,
            },
        ),
        "ThrottlesAlarm": _alarm(
            "throttles",
            "AWS throttled a function, a write to a table or the query for a room's members: see docs/scaling.md.",
            _sum(throttles(functions, tables), "throttles of all functions and tables"),
        ),
        "InvocationsAlarm": _alarm(
            "invocations",
            "The functions are invoked more often than expected, which costs money: see docs/operations.md.",
            _sum(lambda_functions("Invocations", functions), "invocations of all functions", period=60)
            | {"Threshold": {"Ref": "MaxInvocationsPerMinute"}, "EvaluationPeriods": MINUTES},
        ),
    }


def _alarm(name: str, description: str, watched: dict[str, Any]) -> dict[str, Any]:
    """Return an alarm that goes off when what is watched is above zero, or above its own threshold."""
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": {"Fn::Sub": f"chalice-chat-${{Stage}}-{name}"},
            "AlarmDescription": description,
            "AlarmActions": value_if("HasAlarmTopic", [{"Ref": "AlarmTopic"}]),
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 0,
            "EvaluationPeriods": 1,
            "TreatMissingData": "notBreaching",
            **watched,
        },
    }


def _sum(metrics: list[Metric], label: str, period: int = PERIOD_SECONDS) -> dict[str, Any]:
    addends = [
        {
            "Id": metric.id,
            "ReturnData": False,
            "MetricStat": {"Period": period, "Stat": "Sum", "Metric": metric.for_alarm()},
        }
        for metric in metrics
    ]
    # Alarms on metrics of AWS/DynamoDB ignore missing data, whatever TreatMissingData says ("PutMetricAlarm"): without
    # FILL, an alarm that has gone off would never return to OK.
    filled = ", ".join(f"FILL({metric.id}, 0)" for metric in metrics)
    return {"Metrics": [*addends, {"Id": "all", "Expression": f"SUM([{filled}])", "Label": label}]}
