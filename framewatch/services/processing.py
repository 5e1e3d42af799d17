"""The world that the steps of processing a batch act on."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from framewatch.services.ports import (
    AlertTable,
    Clock,
    FailureStore,
    FrameTable,
    HeartbeatTable,
    ImageStore,
    LabelDetector,
    Meter,
    RecountMarks,
    SiteSource,
    VisitTable,
)
from framewatch.services.ports_cost import BudgetSource
from framewatch.services.send_alerts import SendDeps


class FollowDeps(Protocol):
    """What following visits needs of it."""

    @property
    def visits(self) -> VisitTable: ...
    @property
    def alerts(self) -> AlertTable: ...
    @property
    def sending(self) -> SendDeps: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def sleep(self) -> Callable[[float], None]: ...


@dataclass(frozen=True, slots=True)
class Deps:
    """workers: threads, and so requests at once. margin_s: with less time left than this no detection is started,
    so it covers the slowest detection and all that follows it.
    """

    site: SiteSource
    budget: BudgetSource
    vision: LabelDetector
    images: ImageStore
    frames: FrameTable
    visits: VisitTable
    alerts: AlertTable
    heartbeats: HeartbeatTable
    sending: SendDeps
    failures: FailureStore
    recounts: RecountMarks
    meter: Meter
    clock: Clock
    workers: int = 16
    margin_s: float = 35.0
    sleep: Callable[[float], None] = time.sleep
