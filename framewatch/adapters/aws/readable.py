"""What this build can read of what is stored; the rest is left out, and the log says so."""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from framewatch.adapters.aws.dynamo import Item
from framewatch.domain.errors import NewerItem

_log = logging.getLogger(__name__)

T = TypeVar("T")


def readable(read: Callable[[Item], T], items: Iterable[Item]) -> Iterator[T]:
    """As far as it is asked for: items that nobody takes are not read."""
    for item in items:
        try:
            found = read(item)
        except NewerItem as error:
            _log.warning("item %s %s is left out: %s", item["pk"]["S"], item["sk"]["S"], error)
        except (KeyError, ValueError, ArithmeticError):  # pydantic's ValidationError is a ValueError
            _log.exception("item %s %s cannot be read; left out", item["pk"]["S"], item["sk"]["S"])
        else:
            yield found
