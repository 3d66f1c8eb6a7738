"""How many invocations of a function run at a time, and how many may follow from each other."""

from __future__ import annotations

from typing import Any

from deployment.template import differs, of_type, value_if

FAN_OUT = "FanOut"
BATCHES = "FanOutMaxBatches"


def limit_concurrency(template: dict[str, Any]) -> None:
    """Add a parameter for the reserved concurrency of each function, and one for the fan-out queue.

    By default nothing is reserved: a new account has 10 concurrent executions, and AWS rejects reservations that leave
    fewer than 100 ("Configuring reserved concurrency for a function").
    """
    resources = template["Resources"]
    for name, function in of_type(resources, "AWS::Serverless::Function").items():
        parameter = f"{name.replace('API', 'Api')}Concurrency"
        description = f"Executions that are reserved for the function {name}, and its maximum; 0 reserves none."
        _add_number(template, parameter, description)
        reserved = value_if(f"Has{parameter}", {"Ref": parameter})
        function["Properties"]["ReservedConcurrentExecutions"] = reserved
    description = "Jobs of the fan-out queue at a time, 2 to 1,000; 0 sets no maximum."
    _add_number(template, BATCHES, description)
    (source,) = resources[FAN_OUT]["Properties"]["Events"].values()
    source["Properties"]["ScalingConfig"] = value_if(f"Has{BATCHES}", {"MaximumConcurrency": {"Ref": BATCHES}})
    # Otherwise Lambda stops a chain of about 16 invocations through SQS ("Use Lambda recursive loop detection to
    # prevent infinite loops"). Closing a room takes one invocation for each FANOUT_BATCH connections, and
    # MAX_REMOVAL_ATTEMPTS more. The chain ends: each job closes connections or counts an attempt.
    resources[FAN_OUT]["Properties"]["RecursiveLoop"] = "Allow"


def _add_number(template: dict[str, Any], parameter: str, description: str) -> None:
    """Add a parameter whose value 0 means none, and the condition that it has another value."""
    template["Parameters"][parameter] = {
        "Type": "Number",
        "Default": 0,
        "MinValue": 0,
        "Description": description,
    }
    template["Conditions"][f"Has{parameter}"] = differs(parameter, "0")
