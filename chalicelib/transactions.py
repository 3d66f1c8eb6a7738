"""DynamoDB transactions, and trying again those that it cancelled."""

from pynamodb.exceptions import TransactWriteError
from pynamodb.transactions import TransactWrite
from tenacity import retry, retry_if_exception, stop_after_delay, wait_random_exponential

from chalicelib.aws import dynamodb

__all__ = ["decide_again_when_cancelled", "transaction", "was_cancelled"]


def transaction() -> TransactWrite:
    """Begin a transaction: what is added to it within `with` is written at its end, all of it or nothing."""
    return TransactWrite(connection=dynamodb)


def was_cancelled(error: BaseException) -> bool:
    """Say whether DynamoDB cancelled a transaction: it met another one, or one of its conditions did not hold."""
    return isinstance(error, TransactWriteError) and error.cause_response_code == "TransactionCanceledException"


# A function under this begins by reading what it depends on, so that to run it again is to decide again.
decide_again_when_cancelled = retry(
    retry=retry_if_exception(was_cancelled),
    wait=wait_random_exponential(multiplier=0.02, max=0.5),
    stop=stop_after_delay(10),
    reraise=True,
)
