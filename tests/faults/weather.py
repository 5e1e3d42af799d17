"""What goes wrong between a storm's parts, when, and what came of it.

What becomes of a request is decided by the seed, its service, its operation and how many of its kind came before: so
threads that race for a connection do not change the schedule, and a seed gives the same storm again.
"""

# ruff: noqa: S311  a storm keeps no secret
import random
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    LATENCY = "latency"
    RESET_BEFORE = "reset before"  # the service never saw it
    RESET_AFTER = "reset after"  # the service did it, and nobody was told
    CUT = "cut"  # half of the answer, then the connection is closed
    SIGN_IN_PAGE = "sign-in page"  # a 200 of somebody in between
    THROTTLED = "throttled"
    ERROR_500 = "500"
    EXPIRED = "expired credentials"
    PARTIAL = "partial"  # some of a request's records or items are refused
    TWICE = "twice"  # the records stand in the stream two times
    SHUFFLED = "shuffled"  # they stand there in another order
    WRONG_CLOCK = "signed by a wrong clock"  # by no schedule: whoever asks has a clock that is far off


LOST_ANSWERS = frozenset({Fault.RESET_AFTER, Fault.CUT, Fault.SIGN_IN_PAGE})
"""After these whoever asked cannot know whether it was done."""
_PARTIAL = {"PutRecords", "BatchWriteItem", "BatchGetItem", "TransactWriteItems"}
_ONLY_PUT_RECORDS = {Fault.TWICE, Fault.SHUFFLED}


_KEPT_IN_JOURNAL = {("sns", "Publish"), ("dynamodb", "UpdateItem")}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as the proxy saw it, in monotonic seconds. status: of the answer that was handed over whole; None
    when nobody was told what became of it."""

    service: str
    operation: str
    body: bytes
    fault: Fault | None
    began_s: float
    ended_s: float
    status: int | None


@dataclass(frozen=True, slots=True)
class Outage:
    """Of one operation: it comes over each of its requests, counted from 1, from one to before another."""

    first: int
    end: int
    fault: Fault = Fault.RESET_BEFORE


@dataclass(slots=True)
class Schedule:
    """rates: by service, how likely each fault is for one request. outages: by service and operation. Nothing happens
    once it is calm. journal: the requests from which a text that came twice can be explained.
    """

    seed: int | str
    rates: Mapping[str, Mapping[Fault, float]]
    outages: Mapping[tuple[str, str], Outage] = field(default_factory=dict)
    calm: bool = False
    happened: Counter[tuple[str, str, Fault]] = field(default_factory=Counter)
    journal: list[Asked] = field(default_factory=list)
    _asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, service: str, operation: str) -> tuple[Fault | None, random.Random]:
        with self._lock:
            self._asked[service, operation] += 1
            number = self._asked[service, operation]
            rng = random.Random(f"{self.seed}/{service}/{operation}/{number}")
            draw, rates = rng.random(), {} if self.calm else self.rates.get(service, {})
            outage = self.outages.get((service, operation))
            if outage is not None and outage.first <= number < outage.end and not self.calm:
                rates = {outage.fault: 1.0}
            for fault, rate in rates.items():
                if draw < rate:
                    if not fits(fault, operation):
                        break
                    self.happened[service, operation, fault] += 1
                    return fault, rng
                draw -= rate
        return None, rng

    @property
    def operations(self) -> set[tuple[str, str]]:
        """What was asked at all, by service."""
        with self._lock:
            return set(self._asked)

    def note(self, asked: Asked) -> None:
        if (asked.service, asked.operation) in _KEPT_IN_JOURNAL:
            self.journal.append(asked)

    def note_wrong_clock(self, service: str, operation: str) -> None:
        with self._lock:
            self.happened[service, operation, Fault.WRONG_CLOCK] += 1


def fits(fault: Fault, operation: str) -> bool:
    if fault in _ONLY_PUT_RECORDS:
        return operation == "PutRecords"
    return fault is not Fault.PARTIAL or operation in _PARTIAL
