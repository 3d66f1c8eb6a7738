"""Base classes of the models: their client, their expiry, and the time for which a room is kept."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Self

from pynamodb.attributes import NumberAttribute, TTLAttribute
from pynamodb.connection import TableConnection
from pynamodb.exceptions import DoesNotExist
from pynamodb.models import Model
from pynamodb.pagination import ResultIterator

from chalicelib import settings
from chalicelib.storage.client import dynamodb

SECOND_PAGE_SIZE = 500
"""Number of rows that the second request of a query reads. Later requests read as much as DynamoDB returns: 1 MB."""

Key = dict[str, dict[str, str]]
"""The key of a row, as DynamoDB writes it."""


class Page(NamedTuple):
    """The result of one request of a query.

    scanned: the number of rows that DynamoDB has read, including those that the filter has left out.
    last_key: the key of the last one, None if it was the last one of the query.
    """

    rows: list[Any]
    scanned: int
    last_key: Key | None


class Table(Model):
    """Base class of the models. All models send their requests through one client."""

    @classmethod
    def _get_connection(cls) -> TableConnection:
        table = super()._get_connection()
        if table.connection is not dynamodb:
            with suppress(ValueError):  # another model of the same table has registered its keys
                dynamodb.add_meta_table(table.get_meta_table())
            table.connection = dynamodb
        return table

    @classmethod
    def _batch_get_page(cls, *arguments: Any, **options: Any) -> Any:
        """Read a page of `batch_get`. If keys are left, wait: PynamoDB 6.1 would request them again at once.

        AWS asks for exponential backoff ("BatchGetItem"). Random pauses bound the rate of the requests.
        """
        items, unprocessed = super()._batch_get_page(*arguments, **options)  # type: ignore[no-untyped-call]
        if unprocessed:
            time.sleep(random.uniform(0.05, 0.2))  # noqa: S311
        return items, unprocessed

    @classmethod
    def pages(cls, query: ResultIterator[Any]) -> Iterator[Page]:
        """Return the pages of a query, one for each request.

        They grow: the first has the size that the query asks for, which suffices for most. The others get over
        thousands of rows that are left out in a few requests.
        """
        requests: Any = query.page_iter
        for number, page in enumerate(requests):
            yield Page(
                [cls.from_raw_data(row) for row in page["Items"]], page["ScannedCount"], requests.last_evaluated_key
            )
            requests.page_size = SECOND_PAGE_SIZE if number == 0 else None

    @classmethod
    def find(cls, hash_key: str, range_key: str | None = None) -> Self | None:
        """Return the item of a key by a consistent read, None if there is none. It may have expired."""
        try:
            return cls.get(hash_key, range_key, consistent_read=True)
        except DoesNotExist:
            return None


class ExpiryMixin:
    """Mixin of items that DynamoDB deletes some time after expires_at."""

    expires_at: TTLAttribute

    @property
    def is_alive(self) -> bool:
        """Whether the item has not expired.

        TTL deletes an item typically within two days ("Working with expired items"). So reads have to check this,
        except where an expired item matters: a leave removes an expired connection, too.
        """
        return self.expires_at > datetime.now(UTC)


class RetentionMixin:
    """Mixin of rooms, and of their connections, which copy it from their room to save a read per message."""

    keep_days: NumberAttribute

    @property
    def keep_time(self) -> timedelta:
        """Time for which the room stays listed after its last member has left; 0 for most rooms."""
        return timedelta(days=self.keep_days)

    @property
    def retention(self) -> timedelta:
        """Time for which a message of the room can be read."""
        return max(timedelta(seconds=settings.MESSAGE_RETENTION_SECONDS), self.keep_time)
