"""VisitTable and AlertTable in memory, for what is only tried: rules against recorded footage, and tests.

The promises are those of the tables in DynamoDB, and the contract tests run on both. Two things differ: nothing
expires, and a path keeps every digit.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from framewatch.domain.alerts import (
    Alert,
    AlertLink,
    AlertRef,
    Answer,
    AnswerKind,
    Delivery,
    FalseAlarm,
    Note,
    OpenAlert,
    finish_claim,
)
from framewatch.domain.errors import NotesFull, UnknownAlert, WriteConflict
from framewatch.domain.labels import fold
from framewatch.domain.limits import Held, LimitState
from framewatch.domain.rule_state import RuleState
from framewatch.domain.visits import AlertState, Visit, VisitChange
from framewatch.services.ports import Decided, check_writes
from framewatch.wire.items import alert_sort_key, day_of, held_key, token_digest, visit_sort_key

T = TypeVar("T")


@dataclass
class MemoryStore:
    """What both tables keep. Read and write it under the lock."""

    visits: dict[str, Visit] = field(default_factory=dict)  # by visit id
    seen: set[tuple[str, str]] = field(default_factory=set)  # frame id, folded label
    alerts: dict[str, Alert] = field(default_factory=dict)  # by alert id
    rule_states: dict[tuple[str, str], RuleState] = field(default_factory=dict)  # by rule id and scope
    limits: LimitState = field(default_factory=LimitState)
    work: dict[str, OpenAlert] = field(default_factory=dict)  # by alert id
    held: dict[str, Held] = field(default_factory=dict)  # by the key to close it by
    links: dict[str, AlertLink] = field(default_factory=dict)  # by the token's digest
    false_alarms: dict[str, FalseAlarm] = field(default_factory=dict)  # by alert id
    lock: threading.RLock = field(default_factory=threading.RLock)

    def stored(self, ref: AlertRef) -> Alert | None:
        alert = self.alerts.get(ref.alert_id)
        return alert if alert is not None and alert.ref == ref else None

    def expect(self, ref: AlertRef) -> Alert:
        alert = self.stored(ref)
        if alert is None:
            raise WriteConflict(f"{ref.alert_id!r} is not there")
        return alert

    def expect_rule_state(self, state: RuleState) -> None:
        stored = self.rule_states.get((state.rule_id, state.scope))
        if (stored.version if stored else 0) != state.version:
            raise WriteConflict(f"the state of rule {state.rule_id} for {state.scope} is not at {state.version}")

    def put_limits(self, state: LimitState) -> None:
        if self.limits.version != state.version:
            raise WriteConflict(f"the limits are not at version {state.version}")
        self.limits = replace(state, version=state.version + 1)

    def put_delivery(self, ref: AlertRef, contact_id: str, delivery: Delivery) -> None:
        stored = self.expect(ref)
        self.alerts[ref.alert_id] = replace(stored, deliveries={**stored.deliveries, contact_id: delivery})

    def put_rule_state(self, state: RuleState) -> None:
        self.rule_states[state.rule_id, state.scope] = replace(state, version=state.version + 1)


class MemoryVisits:
    def __init__(self, store: MemoryStore):
        self.store = store

    def counted(self, frame_ids: Sequence[str], label: str) -> set[str]:
        with self.store.lock:
            return {f for f in frame_ids if (f, fold(label)) in self.store.seen}

    def near(self, camera_id: str, label: str, first: datetime, last: datetime, gap: timedelta) -> list[Visit]:
        return [v for v in self.of(camera_id, label) if v.first_seen <= last + gap and v.last_seen >= first - gap]

    def apply(self, change: VisitChange, decided: Decided, expires_at: datetime) -> None:  # noqa: ARG002
        check_writes(change, decided)
        s, after = self.store, change.after
        label = fold(after.label)
        with s.lock:
            self._expect(change, decided)
            for visit in change.before:
                del s.visits[visit.visit_id]
            version = max((v.version for v in change.before), default=0) + 1
            s.visits[after.visit_id] = replace(after, version=version)
            s.seen |= {(sighting.frame_id, label) for sighting in change.sightings}
            for alert in decided.alerts:
                s.alerts[alert.alert_id] = alert
                if decided.due_at is not None:
                    s.work[alert.alert_id] = OpenAlert(alert.ref, decided.due_at)
            for ref, sighting in decided.joins:
                joined = s.alerts[ref.alert_id]
                s.alerts[ref.alert_id] = replace(joined, joined={**joined.joined, sighting.visit_id: sighting})
            for state in decided.states:
                s.put_rule_state(state)

    def _expect(self, change: VisitChange, decided: Decided) -> None:
        """Raises WriteConflict where anything that the write relies on has changed since it was read."""
        s, label = self.store, fold(change.after.label)
        for visit in change.before:
            stored = s.visits.get(visit.visit_id)
            if stored is None or stored.version != visit.version:
                raise WriteConflict(f"visit {visit.visit_id!r} is not at version {visit.version}")
        if not change.before and change.after.visit_id in s.visits:
            raise WriteConflict(f"visit {change.after.visit_id!r} is there already")
        if any((sighting.frame_id, label) in s.seen for sighting in change.sightings):
            raise WriteConflict("a frame is counted already")
        for alert in decided.alerts:
            if alert.alert_id in s.alerts:
                raise WriteConflict(f"alert {alert.alert_id!r} is there already")
        for ref, _ in decided.joins:
            s.expect(ref)
        for state in decided.states:
            s.expect_rule_state(state)

    def newest_first(
        self,
        camera_id: str,
        day: str,
        *,
        before_sk: str | None = None,
        page: int = 100,  # noqa: ARG002
    ) -> Iterator[tuple[str, Visit]]:
        with self.store.lock:
            keyed = {
                visit_sort_key(v): replace(v, path=())
                for v in self.store.visits.values()
                if v.camera_id == camera_id and day_of(v.first_seen) == day
            }
        yield from _below(keyed, before_sk)

    def of(self, camera_id: str, label: str) -> list[Visit]:
        """All visits of a camera and label, oldest first."""
        with self.store.lock:
            found = list(self.store.visits.values())
        mine = [v for v in found if v.camera_id == camera_id and fold(v.label) == fold(label)]
        return sorted(mine, key=lambda v: (v.first_seen, v.visit_id))


class MemoryAlerts:
    def __init__(self, store: MemoryStore):
        self.store = store

    def get(self, ref: AlertRef) -> Alert | None:
        with self.store.lock:
            return self.store.stored(ref)

    def newest_first(
        self,
        camera_id: str,
        day: str,
        *,
        before_sk: str | None = None,
        page: int = 100,  # noqa: ARG002
    ) -> Iterator[tuple[str, Alert]]:
        with self.store.lock:
            keyed = {
                alert_sort_key(a.ref): a
                for a in self.store.alerts.values()
                if a.camera_id == camera_id and day_of(a.captured_at) == day
            }
        yield from _below(keyed, before_sk)

    def rule_state(self, rule_id: str, scope: str) -> RuleState:
        with self.store.lock:
            return self.store.rule_states.get((rule_id, scope), RuleState(rule_id, scope))

    def rule_states(self) -> list[RuleState]:
        with self.store.lock:
            return [self.store.rule_states[key] for key in sorted(self.store.rule_states)]

    def put_rule_state(self, state: RuleState, expires_at: datetime) -> None:  # noqa: ARG002
        with self.store.lock:
            self.store.expect_rule_state(state)
            self.store.put_rule_state(state)

    def limit_state(self) -> LimitState:
        with self.store.lock:
            return self.store.limits

    def reserve(
        self,
        alert: Alert,
        contact_id: str,
        after: LimitState,
        expires_at: datetime,  # noqa: ARG002
    ) -> bool:
        with self.store.lock:
            stored = self.store.expect(alert.ref)
            if contact_id in stored.reserved:
                return False
            self.store.put_limits(after)
            self.store.alerts[alert.alert_id] = replace(stored, reserved=stored.reserved | {contact_id})
            return True

    def put_limit_state(self, state: LimitState, expires_at: datetime) -> None:  # noqa: ARG002
        with self.store.lock:
            self.store.put_limits(state)

    def record_delivery(self, alert: Alert, contact_id: str, delivery: Delivery) -> None:
        with self.store.lock:
            self.store.put_delivery(alert.ref, contact_id, delivery)

    def hold(
        self,
        alert: Alert,
        contact_id: str,
        delivery: Delivery,
        held: Held,
        expires_at: datetime,  # noqa: ARG002
    ) -> None:
        with self.store.lock:
            if contact_id in self.store.expect(alert.ref).deliveries:
                return
            self.store.put_delivery(alert.ref, contact_id, delivery)
            self.store.held[held_key(contact_id, alert.alert_id)] = held

    def put_held(self, key: str, held: Held, expires_at: datetime) -> None:  # noqa: ARG002
        with self.store.lock:
            self.store.held.setdefault(key, held)

    def finish(self, alert: Alert, state: AlertState) -> None:
        with self.store.lock:
            self.store.alerts[alert.alert_id] = replace(self.store.expect(alert.ref), state=state)
            for visit in list(self.store.visits.values()):
                finished = finish_claim(visit, alert, state)
                if finished is not None:
                    self.store.visits[visit.visit_id] = replace(finished, version=visit.version + 1)

    def answer(self, ref: AlertRef, kind: AnswerKind, answer: Answer) -> Answer:
        with self.store.lock:
            stored = self.store.stored(ref)
            if stored is None:
                raise UnknownAlert(f"camera {ref.camera_id} has no alert {ref.alert_id!r}")
            if kind in stored.answers:
                return stored.answers[kind]
            self.store.alerts[ref.alert_id] = replace(stored, answers={**stored.answers, kind: answer})
            self.store.work.pop(ref.alert_id, None)
            if kind is AnswerKind.FALSE_ALARM:
                self.store.false_alarms[ref.alert_id] = FalseAlarm(
                    stored.rule_id, ref, stored.label, stored.frame_id, stored.confidence, answer
                )
            return answer

    def add_note(self, ref: AlertRef, note: Note, most: int) -> Note:
        with self.store.lock:
            stored = self.store.stored(ref)
            if stored is None:
                raise UnknownAlert(f"camera {ref.camera_id} has no alert {ref.alert_id!r}")
            for standing in stored.notes:
                if (standing.by, standing.text) == (note.by, note.text):
                    return standing
            if len(stored.notes) >= most:
                raise NotesFull(f"alert {ref.alert_id!r} has {most} notes, which is as many as one may have")
            notes = sorted((*stored.notes, note), key=lambda n: (n.at, n.by, n.text))
            self.store.alerts[ref.alert_id] = replace(stored, notes=tuple(notes))
            return note

    def open_work(self) -> tuple[list[OpenAlert], list[tuple[str, Held]]]:
        with self.store.lock:
            work, held = list(self.store.work.values()), list(self.store.held.items())
        return sorted(work, key=lambda w: (w.due_at, w.ref.alert_id)), sorted(held, key=lambda h: (h[1].at, h[0]))

    def reschedule(self, before: OpenAlert, after: OpenAlert) -> None:
        with self.store.lock:
            if self.store.work.get(before.ref.alert_id) != before:
                raise WriteConflict(f"the work on {before.ref.alert_id!r} is taken, or done")
            self.store.work[before.ref.alert_id] = after

    def close(self, ref: AlertRef) -> None:
        with self.store.lock:
            self.store.work.pop(ref.alert_id, None)

    def close_held(self, keys: Sequence[str]) -> None:
        with self.store.lock:
            for key in keys:
                self.store.held.pop(key, None)

    def put_link(self, token: str, link: AlertLink) -> None:
        with self.store.lock:
            digest = token_digest(token)
            if digest in self.store.links:
                raise WriteConflict("a link of this token is there already")
            self.store.links[digest] = link

    def link(self, token: str) -> AlertLink | None:
        with self.store.lock:
            return self.store.links.get(token_digest(token))

    def use_link(self, token: str, most: int) -> bool:
        with self.store.lock:
            digest = token_digest(token)
            link = self.store.links.get(digest)
            if link is None or link.revoked or link.uses >= most:
                return False
            self.store.links[digest] = replace(link, uses=link.uses + 1)
            return True

    def revoke_links(self, ref: AlertRef) -> int:
        with self.store.lock:
            mine = {d: link for d, link in self.store.links.items() if link.ref.alert_id == ref.alert_id}
            self.store.links |= {digest: replace(link, revoked=True) for digest, link in mine.items()}
            return len(mine)

    def false_alarms(self, rule_id: str, camera_id: str, page: int = 100) -> Iterator[FalseAlarm]:  # noqa: ARG002
        with self.store.lock:
            keyed = {
                alert_sort_key(f.ref): f
                for f in self.store.false_alarms.values()
                if (f.rule_id, f.ref.camera_id) == (rule_id, camera_id)
            }
        yield from (keyed[key] for key in sorted(keyed, reverse=True))


def _below(keyed: dict[str, T], before_sk: str | None) -> Iterator[tuple[str, T]]:
    """Highest key first. Code points sort as their UTF-8 does, which is DynamoDB's order."""
    for key in sorted(keyed, reverse=True):
        if before_sk is None or key < before_sk:
            yield key, keyed[key]
