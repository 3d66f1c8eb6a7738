"""The monthly budget of the account, none by default."""

from __future__ import annotations

from typing import Any

from deployment.template import differs, value_if

PARAMETERS = {
    "MonthlyBudget": {
        "Type": "Number",
        "Default": 0,
        "MinValue": 0,
        "Description": "Dollars per month, for all costs of the account, of which AlarmTopic is notified; 0 for none.",
    }
}
CONDITIONS = {"HasMonthlyBudget": differs("MonthlyBudget", "0")}


def add_budget(template: dict[str, Any]) -> None:
    """Add a budget that notifies the alarm topic of 80% spent, and of a forecast above the budget.

    It covers the whole account: a budget for one stage requires cost allocation tags, which somebody has to activate.
    """
    template["Parameters"] |= PARAMETERS
    template["Conditions"] |= CONDITIONS
    notifications = [_notification("ACTUAL", 80), _notification("FORECASTED", 100)]
    template["Resources"]["Budget"] = {
        "Type": "AWS::Budgets::Budget",
        "Condition": "HasMonthlyBudget",
        "Properties": {
            "Budget": {
                # With the Region, because the name is unique in the account.
                "BudgetName": {"Fn::Sub": "chalice-chat-${Stage}-${AWS::Region}"},
                "BudgetLimit": {"Amount": {"Ref": "MonthlyBudget"}, "Unit": "USD"},
                "BudgetType": "COST",
                "TimeUnit": "MONTHLY",
            },
            "NotificationsWithSubscribers": value_if("HasAlarmTopic", notifications),
        },
    }


def _notification(kind: str, percent: int) -> dict[str, Any]:
    return {
        "Notification": {
            "NotificationType": kind,
            "ComparisonOperator": "GREATER_THAN",
            "Threshold": percent,
            "ThresholdType": "PERCENTAGE",
        },
        "Subscribers": [{"SubscriptionType": "SNS", "Address": {"Ref": "AlarmTopic"}}],
    }
