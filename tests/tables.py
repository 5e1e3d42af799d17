"""Both tables of visits and alerts, in memory and over DynamoDB, and what their tests put into them."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from framewatch.adapters.aws.alert_table import DynamoAlertTable
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.visit_table import DynamoVisitTable
from framewatch.domain.alert_settings import WATCH_RULE_ID
from framewatch.domain.alerts import Alert, IncidentSighting, alert_id_for
from framewatch.domain.frames import make_frame_id
from framewatch.domain.limits import LimitState
from framewatch.domain.visits import AlertClaim, AlertState, Visit, VisitChange, VisitSighting, add_sightings
from framewatch.services.ports import AlertTable, Decided, VisitTable
from tests.aws import TABLE
from tests.fakes import FakeAlerts, FakeVisits
from tests.frames import BOOT, NOON

GAP = timedelta(seconds=30)
EXPIRES = NOON + timedelta(days=90)
DUE = NOON + timedelta(seconds=60)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def seen(seconds: float, confidence: float = 90.0, camera_id: str = "front") -> VisitSighting:
    frame_id = make_frame_id(camera_id, BOOT, round((seconds + 1_000_000) * 10))
    return VisitSighting(frame_id, at(seconds), confidence, (0.1, 0.2, 0.3, 0.4))


@dataclass
class Tables:
    visits: VisitTable
    alerts: AlertTable

    def near(self, first: float, last: float, label: str = "Person", camera_id: str = "front") -> list[Visit]:
        return self.visits.near(camera_id, label, at(first), at(last), GAP)

    def count(self, *sightings: VisitSighting, label: str = "Person", camera_id: str = "front") -> list[VisitChange]:
        """Count them without an alert."""
        first, last = min(s.captured_at for s in sightings), max(s.captured_at for s in sightings)
        known = self.visits.near(camera_id, label, first, last, GAP)
        changes = add_sightings(camera_id, label, known, sightings, GAP)
        for change in changes:
            self.visits.apply(change, Decided(), EXPIRES)
        return changes

    def open_with_alert(
        self, sighting: VisitSighting, *, label: str = "Person", camera_id: str = "front", **fields: Any
    ) -> Alert:
        (opened,) = add_sightings(camera_id, label, [], [sighting], GAP)
        change, alert = claim(opened, **fields)
        self.visits.apply(change, Decided((alert,), DUE), EXPIRES)
        return alert

    def stored(self, alert: Alert) -> Alert:
        found = self.alerts.get(alert.ref)
        assert found is not None
        return found

    def days(self, camera_id: str = "front", day: str = "2026-03-14", **bounds: Any) -> list[Visit]:
        """The visits of a day, newest first."""
        return [visit for _, visit in self.visits.newest_first(camera_id, day, **bounds)]


def claim(change: VisitChange, **fields: Any) -> tuple[VisitChange, Alert]:
    """The change with a claim of the watch list, and its alert; fields: of the alert, in place of these."""
    sighting, visit = change.sightings[0], change.after
    alert = Alert(
        alert_id=alert_id_for(visit.visit_id, fields.get("rule_id", WATCH_RULE_ID)),
        rule_id=WATCH_RULE_ID,
        scope=visit.camera_id,
        visit_id=visit.visit_id,
        camera_id=visit.camera_id,
        label=visit.label,
        confidence=sighting.confidence,
        frame_id=sighting.frame_id,
        captured_at=sighting.captured_at,
        decided_at=NOON,
        notify=("ana", "bo-2"),
    )
    alert = replace(alert, **fields)
    claims = {**visit.alerts, alert.rule_id: AlertClaim(sighting.frame_id, AlertState.CLAIMED, alert.alert_id)}
    return replace(change, after=replace(visit, alerts=claims)), alert


def joining(alert: Alert, sighting: VisitSighting, camera_id: str = "yard") -> IncidentSighting:
    visit_id = f"{sighting.frame_id}/{alert.label}"
    return IncidentSighting(
        camera_id, alert.label, visit_id, sighting.frame_id, sighting.captured_at, sighting.confidence
    )


def counted(*contacts: str, version: int = 0) -> LimitState:
    """Limits in which these contacts had a text at noon."""
    return LimitState(texted_at={c: (at(0),) for c in contacts}, version=version)


def in_memory() -> Tables:
    visits = FakeVisits()
    return Tables(visits, FakeAlerts(store=visits.store))


def in_dynamodb(client: Any, sleep: Callable[[float], None] = lambda _: None) -> Tables:
    table = DynamoTable(client, TABLE, sleep)
    return Tables(DynamoVisitTable(table), DynamoAlertTable(table))


@dataclass
class OneAtATime:
    """A client whose requests are answered one after the other: moto's transactions know nothing of threads."""

    client: Any
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.client, name)

        def alone(**request: Any) -> Any:
            with self.lock:
                return call(**request)

        return alone


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """What each of so many threads that begin together returns, or the exception it ends with."""
    outcomes: list[Any] = [None] * count
    barrier = threading.Barrier(count)

    def run(n: int) -> None:
        barrier.wait()
        try:
            outcomes[n] = work(n)
        except Exception as error:  # noqa: BLE001  it is the outcome
            outcomes[n] = error

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def kinds(outcomes: Sequence[Any]) -> set[Any]:
    return {type(o) if isinstance(o, Exception) else o for o in outcomes}
