"""How many invocations of a function run at a time, and how many may follow from each other."""

from __future__ import annotations

from typing import Any

FAN_OUT = "FanOut"
BATCHES = "FanOutMaxBatches"


def limit_concurrency(template: dict[str, Any]) -> None:
    """Add a parameter for the reserved concurrency of each function, and one for the fan-out queue.

    By default nothing is reserved: a new account has 10 concurrent executions, and AWS rejects reservations that leave
    fewer than 100 ("Configuring reserved concurrency for a function").
    """
    resources = template["Resources"]
    for name in [name for name, resource in resources.items() if resource["Type"] == "AWS::Serverless::Function"]:
        parameter = f"{name.replace('API', 'Api')}Concurrency"
        description = f"Executions that are reserved for the function {name}, and its maximum; 0 reserves none."
        value = _optional(template, parameter, description)
        resources[name]["Properties"]["ReservedConcurrentExecutions"] = value
    description = "Jobs of the fan-out queue at a time, 2 to 1,000; 0 sets no maximum."
    maximum = _optional(template, BATCHES, description, "MaximumConcurrency")
    (source,) = resources[FAN_OUT]["Properties"]["Events"].values()
    source["Properties"]["ScalingConfig"] = maximum
    # Otherwise Lambda stops a chain of about 16 invocations through SQS ("Use Lambda recursive loop detection to
    # prevent infinite loops"). Closing a room takes one invocation for each FANOUT_BATCH connections, and
    # MAX_REMOVAL_ATTEMPTS more. The chain ends: each job closes connections or counts an attempt.
    resources[FAN_OUT]["Properties"]["RecursiveLoop"] = "Allow"


def _optional(template: dict[str, Any], parameter: str, description: str, key: str = "") -> dict[str, Any]:
    """Add a parameter whose value 0 means none, and return its value, under a key if given."""
    template["Parameters"][parameter] = {
        "Type": "Number",
        "Default": 0,
        "MinValue": 0,
        "Description": description,
    }
    condition = f"Has{parameter}"
    template["Conditions"][condition] = {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, "0"]}]}
    value = {"Ref": parameter}
    return {"Fn::If": [condition, {key: value} if key else value, {"Ref": "AWS::NoValue"}]}
