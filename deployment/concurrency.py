"""Limits of concurrency: executions of each function, and jobs of the fan-out queue."""

from __future__ import annotations

from typing import Any

from deployment.template import differs, of_type, value_if

FAN_OUT = "FanOut"
MAX_JOBS = "FanOutMaxJobs"


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
    _add_number(
        template, MAX_JOBS, "Jobs of the fan-out queue at a time, 2 to 1,000; 0 sets no maximum.", MaxValue=1_000
    )
    (source,) = resources[FAN_OUT]["Properties"]["Events"].values()
    source["Properties"]["ScalingConfig"] = value_if(f"Has{MAX_JOBS}", {"MaximumConcurrency": {"Ref": MAX_JOBS}})


def allow_long_chains(resources: dict[str, Any]) -> None:
    """Let the function of the queue continue itself through the queue as often as needed.

    Otherwise Lambda stops a chain of about 16 invocations through SQS ("Use Lambda recursive loop detection to prevent
    infinite loops"). Closing a room takes one invocation for each FANOUT_BATCH connections, and MAX_REMOVAL_ATTEMPTS
    more. The chain ends: each job closes connections or counts an attempt.
    """
    resources[FAN_OUT]["Properties"]["RecursiveLoop"] = "Allow"


def _add_number(template: dict[str, Any], parameter: str, description: str, **limits: int) -> None:
    """Add a parameter whose value 0 means none, and the condition that it has another value."""
    template["Parameters"][parameter] = {
        "Type": "Number",
        "Default": 0,
        "MinValue": 0,
        **limits,
        "Description": description,
    }
    template["Conditions"][f"Has{parameter}"] = differs(parameter, "0")
