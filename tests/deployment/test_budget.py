"""The monthly budget."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.deployment


def test_budget_notifies_the_alarm_topic(template: dict[str, Any]) -> None:
    budget = template["Resources"]["Budget"]
    assert budget["Condition"] == "HasMonthlyBudget"
    assert budget["Properties"]["Budget"]["BudgetLimit"] == {"Amount": {"Ref": "MonthlyBudget"}, "Unit": "USD"}
    condition, notifications, _ = budget["Properties"]["NotificationsWithSubscribers"]["Fn::If"]
    assert condition == "HasAlarmTopic"
    limits = [(one["Notification"]["NotificationType"], one["Notification"]["Threshold"]) for one in notifications]
    assert limits == [("ACTUAL", 80), ("FORECASTED", 100)]
    for notification in notifications:
        assert notification["Subscribers"] == [{"SubscriptionType": "SNS", "Address": {"Ref": "AlarmTopic"}}]
