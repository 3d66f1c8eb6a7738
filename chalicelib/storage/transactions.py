"""Transactions, the retry of conflicts, and the classification of DynamoDB's errors."""

from collections.abc import Callable
from typing import Any

from pynamodb.exceptions import PynamoDBException, TransactWriteError
from pynamodb.expressions import condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite
from tenacity import retry, retry_if_exception, stop_after_delay, wait_random_exponential

from chalicelib.storage.client import dynamodb

MAX_TRANSACTION_ITEMS = 100
"""Maximum number of items in one transaction ("Amazon DynamoDB Transactions: How it works")."""

Transaction = TransactWrite
UpdateAction = Action
size: Callable[[Any], Any] = condition.size
"""The size of an attribute in a condition: of a set, the number of its elements."""

Condition = condition.Condition
StorageError = PynamoDBException
"""Base class of the errors of requests to DynamoDB."""


def transaction() -> TransactWrite:
    """Return a context manager that collects writes, and commits all of them or none at its end."""
    return TransactWrite(connection=dynamodb)


def was_cancelled(error: BaseException) -> bool:
    """Return whether DynamoDB cancelled a transaction: a condition failed, or another transaction was in progress."""
    return isinstance(error, TransactWriteError) and _code(error) == "TransactionCanceledException"


def condition_failed(error: StorageError) -> bool:
    """Return whether DynamoDB rejected a single write because its condition did not hold."""
    return _code(error) == "ConditionalCheckFailedException"


def failed_conditions(error: BaseException) -> list[bool]:
    """Return for each write of a cancelled transaction whether its condition did not hold."""
    reasons = error.cancellation_reasons if isinstance(error, TransactWriteError) else []
    return [reason is not None and reason.code == "ConditionalCheckFailed" for reason in reasons]


def had_conflict(error: BaseException) -> bool:
    """Return whether a retry may succeed: a transaction was cancelled, or a single write met one in progress.

    botocore does not retry these errors ("DynamoDB Transactions: How it works").
    """
    is_conflict = isinstance(error, StorageError) and _code(error) == "TransactionConflictException"
    return is_conflict or was_cancelled(error)


def _code(error: StorageError) -> str | None:
    """Return the code of DynamoDB's response, None without a response: PynamoDB 6.1 then raises an AttributeError."""
    response: dict[str, dict[str, str]] = getattr(error.cause, "response", None) or {}
    return response.get("Error", {}).get("Code")


# A retry runs the whole decorated function again, so it decides on the current data.
retry_on_conflict = retry(
    retry=retry_if_exception(had_conflict),
    wait=wait_random_exponential(multiplier=0.02, max=0.5),
    stop=stop_after_delay(10),
    reraise=True,
)
