"""In-memory fakes of the ports. The contract suite runs on them and on the AWS adapters alike.

Every effect passes `Faults`, which can raise before or after it: a failure that the adapter would report, or a
crash of the process, which no `except Exception` stops.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from framewatch.domain.alert_settings import Contact
from framewatch.domain.alerts import Alert, Delivery
from framewatch.domain.errors import WriteConflict
from framewatch.domain.frames import FrameMeta
from framewatch.domain.labels import Label, fold
from framewatch.domain.site import Camera, SiteConfig
from framewatch.domain.visits import AlertState, Visit, VisitChange
from framewatch.services.ports import RawRecord
from framewatch.services.process_frames import Deps
from framewatch.wire.heartbeat_items import StoredHeartbeat
from framewatch.wire.items import StoredFrame

NOON = datetime(2026, 3, 14, 12, 0, 0, tzinfo=UTC)


class Crash(BaseException):
    """The process dies here."""


class Faults:
    """Numbers every effect: `before` the n-th, then `after` it. `at(n, error)` raises at one of these points."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self._planned: dict[int, BaseException] = {}
        self._named: dict[str, list[BaseException]] = {}
        self._dies_at: int | None = None
        self._lock = threading.Lock()

    def at(self, step: int, error: BaseException) -> None:
        self._planned[step] = error

    def crash_at(self, step: int) -> None:
        """The process dies at this point: nothing after it happens, in any thread."""
        self._dies_at = step

    def on(self, name: str, *errors: BaseException) -> None:
        """The next effects of this name raise these, one each, before they do anything."""
        self._named.setdefault(name, []).extend(errors)

    def clear(self) -> None:
        self._planned.clear()
        self._named.clear()
        self._dies_at = None
        self.steps.clear()

    def before(self, name: str) -> None:
        with self._lock:
            named = self._named.get(name)
            error = named.pop(0) if named else None
        if error is not None:
            raise error
        self._step(f"before {name}")

    def after(self, name: str) -> None:
        self._step(f"after {name}")

    def _step(self, name: str) -> None:
        with self._lock:
            self.steps.append(name)
            step = len(self.steps) - 1
            error = self._planned.pop(step, None)
            if self._dies_at is not None and step >= self._dies_at:
                error = Crash(f"at step {step}: {name}")
        if error is not None:
            raise error


@dataclass
class FakeClock:
    at: datetime = NOON

    def now(self) -> datetime:
        return self.at

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class FakeSite:
    config: SiteConfig
    error: Exception | None = None

    def current(self) -> SiteConfig:
        if self.error is not None:
            raise self.error
        return self.config


@dataclass
class FakeVision:
    """Answers what `see` was told for a picture; a picture it was told nothing of is empty."""

    faults: Faults = field(default_factory=Faults)
    answers: dict[bytes, list[Label] | Exception] = field(default_factory=dict)
    calls: list[bytes] = field(default_factory=list)

    def see(self, jpeg: bytes, answer: list[Label] | Exception) -> None:
        self.answers[jpeg] = answer

    def detect(self, jpeg: bytes, *, min_confidence: float, max_labels: int) -> list[Label]:
        self.faults.before("detect")
        self.calls.append(jpeg)
        answer = self.answers.get(jpeg, [])
        if isinstance(answer, Exception):
            raise answer
        self.faults.after("detect")
        seen = [label for label in answer if label.confidence >= min_confidence]
        return sorted(seen, key=lambda label: -label.confidence)[:max_labels]


@dataclass
class FakeImages:
    faults: Faults = field(default_factory=Faults)
    objects: dict[str, bytes] = field(default_factory=dict)

    def put(self, key: str, jpeg: bytes) -> None:
        self.faults.before("image put")
        self.objects[key] = jpeg
        self.faults.after("image put")

    def url(self, key: str, expires_in: timedelta) -> str:
        return f"https://images.example/{key}?expires_in={int(expires_in.total_seconds())}"


@dataclass
class FakeFrames:
    faults: Faults = field(default_factory=Faults)
    stored: dict[str, StoredFrame] = field(default_factory=dict)
    expiry: dict[str, datetime] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get_stored(self, metas: Sequence[FrameMeta]) -> dict[str, StoredFrame]:
        self.faults.before("frames get")
        return {m.frame_id: self.stored[m.frame_id] for m in metas if m.frame_id in self.stored}

    def put(self, frame: StoredFrame, expires_at: datetime) -> bool:
        self.faults.before("frame put")
        with self.lock:
            new = frame.frame_id not in self.stored
            if new:
                self.stored[frame.frame_id] = frame
                self.expiry[frame.frame_id] = expires_at
        self.faults.after("frame put")
        return new


@dataclass
class FakeVisits:
    faults: Faults = field(default_factory=Faults)
    visits: dict[str, Visit] = field(default_factory=dict)  # by visit id
    seen: set[tuple[str, str]] = field(default_factory=set)  # frame id, folded label
    alerts: dict[str, Alert] = field(default_factory=dict)  # by alert id
    lock: threading.Lock = field(default_factory=threading.Lock)

    def counted(self, frame_ids: Sequence[str], label: str) -> set[str]:
        self.faults.before("visits counted")
        return {f for f in frame_ids if (f, fold(label)) in self.seen}

    def near(self, camera_id: str, label: str, first: datetime, last: datetime, gap: timedelta) -> list[Visit]:
        self.faults.before("visits near")
        found = [v for v in self.of(camera_id, label) if v.first_seen <= last + gap and v.last_seen >= first - gap]
        self.faults.after("visits near")
        return found

    def apply(self, change: VisitChange, alert: Alert | None, expires_at: datetime) -> None:
        self.faults.before("visits apply")
        label = fold(change.after.label)
        with self.lock:
            for visit in change.before:
                stored = self.visits.get(visit.visit_id)
                if stored is None or stored.version != visit.version:
                    raise WriteConflict(f"{visit.visit_id} is not at version {visit.version}")
            if not change.before and change.after.visit_id in self.visits:
                raise WriteConflict(f"{change.after.visit_id} is there already")
            if any((s.frame_id, label) in self.seen for s in change.sightings):
                raise WriteConflict("a frame is counted already")
            if alert is not None and alert.alert_id in self.alerts:
                raise WriteConflict(f"{alert.alert_id} is there already")
            for visit in change.before:
                del self.visits[visit.visit_id]
            version = max((v.version for v in change.before), default=0) + 1
            self.visits[change.after.visit_id] = replace(change.after, version=version)
            self.seen |= {(s.frame_id, label) for s in change.sightings}
            if alert is not None:
                self.alerts[alert.alert_id] = alert
        self.faults.after("visits apply")

    def alert(self, camera_id: str, captured_at: datetime, alert_id: str) -> Alert | None:
        self.faults.before("alert get")
        found = self.alerts.get(alert_id)
        return found if found and (found.camera_id, found.captured_at) == (camera_id, captured_at) else None

    def record_delivery(self, alert: Alert, contact_id: str, delivery: Delivery) -> None:
        self.faults.before("delivery")
        with self.lock:
            stored = self._stored(alert)
            self.alerts[alert.alert_id] = replace(stored, deliveries={**stored.deliveries, contact_id: delivery})
        self.faults.after("delivery")

    def finish_alert(self, alert: Alert, state: AlertState) -> None:
        self.faults.before("alert finish")
        with self.lock:
            self.alerts[alert.alert_id] = replace(self._stored(alert), state=state)
            for visit in self.of(alert.camera_id, alert.label):
                claim = visit.alerts.get(alert.rule_id)
                if claim is not None and claim.alert_id == alert.alert_id:
                    alerts = {**visit.alerts, alert.rule_id: replace(claim, state=state)}
                    self.visits[visit.visit_id] = replace(visit, alerts=alerts, version=visit.version + 1)
        self.faults.after("alert finish")

    def _stored(self, alert: Alert) -> Alert:
        if alert.alert_id not in self.alerts:
            raise WriteConflict(f"{alert.alert_id} is not there")
        return self.alerts[alert.alert_id]

    def of(self, camera_id: str, label: str) -> list[Visit]:
        """All visits of a camera and label, oldest first."""
        mine = [v for v in self.visits.values() if v.camera_id == camera_id and fold(v.label) == fold(label)]
        return sorted(mine, key=lambda v: (v.first_seen, v.visit_id))


@dataclass
class FakeHeartbeats:
    faults: Faults = field(default_factory=Faults)
    stored: dict[tuple[str, str], StoredHeartbeat] = field(default_factory=dict)  # by camera and box
    expiry: dict[tuple[str, str], datetime] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, heartbeat: StoredHeartbeat, expires_at: datetime) -> bool:
        self.faults.before("heartbeat put")
        key = (heartbeat.camera_id, heartbeat.box)
        with self.lock:
            newer = key not in self.stored or heartbeat.replaces(self.stored[key])
            if newer:
                self.stored[key] = heartbeat
                self.expiry[key] = expires_at
        self.faults.after("heartbeat put")
        return newer

    def newest(self) -> list[StoredHeartbeat]:
        return [self.stored[key] for key in sorted(self.stored)]


@dataclass
class FakeTexts:
    faults: Faults = field(default_factory=Faults)
    errors: dict[str, list[Exception]] = field(default_factory=dict)  # by phone: raised in turn
    sent: list[tuple[str, str]] = field(default_factory=list)

    def send(self, phone: str, text: str) -> str:
        self.faults.before("text send")
        if self.errors.get(phone):
            raise self.errors[phone].pop(0)
        self.sent.append((phone, text))
        self.faults.after("text send")
        return f"message-{len(self.sent)}"


@dataclass
class FakeFailures:
    faults: Faults = field(default_factory=Faults)
    kept: dict[str, tuple[RawRecord, str, str]] = field(default_factory=dict)

    def keep(self, record: RawRecord, reason: str, error_name: str, at: datetime) -> str:
        self.faults.before("keep")
        key = f"failed/{error_name}/{record.shard_id}-{record.record_id}.bin"
        self.kept[key] = (record, reason, error_name)
        self.faults.after("keep")
        return key

    @property
    def reasons(self) -> dict[str, tuple[str, str]]:
        """By record id: the error's name and its sentence."""
        return {record.record_id: (name, reason) for record, reason, name in self.kept.values()}


@dataclass
class FakeMeter:
    counts: Counter[str] = field(default_factory=Counter)
    times_ms: list[tuple[str, float]] = field(default_factory=list)

    def count(self, name: str, value: int = 1, dimensions: Mapping[str, str] | None = None) -> None:
        self.counts[name] += value

    def time_ms(self, name: str, value_ms: float) -> None:
        self.times_ms.append((name, value_ms))


def make_site(**sections: object) -> SiteConfig:
    """Two cameras, two contacts, a watch on Person; sections replace whole sections."""
    defaults: dict[str, object] = {
        "site": {"name": "Shop", "time_zone": "Europe/Madrid"},
        "cameras": [Camera(id="front", name="Front door"), Camera(id="yard")],
        "contacts": [Contact(id="ana", phone="+34600123456"), Contact(id="bo", phone="+34600654321")],
        "watch": {"labels": ["Person"], "min_confidence": 80, "notify": ["ana"]},
        "visits": {"gap_s": 30},
    }
    return SiteConfig.model_validate(defaults | sections)


@dataclass
class World:
    """Every fake, wired to one set of faults."""

    config: SiteConfig = field(default_factory=make_site)
    workers: int = 4
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        self.site = FakeSite(self.config)
        self.vision = FakeVision(self.faults)
        self.images = FakeImages(self.faults)
        self.frames = FakeFrames(self.faults)
        self.visits = FakeVisits(self.faults)
        self.heartbeats = FakeHeartbeats(self.faults)
        self.texts = FakeTexts(self.faults)
        self.failures = FakeFailures(self.faults)
        self.meter = FakeMeter()

    def deps(self, sleep: Callable[[float], None] = lambda _: None) -> Deps:
        return Deps(
            site=self.site,
            vision=self.vision,
            images=self.images,
            frames=self.frames,
            visits=self.visits,
            heartbeats=self.heartbeats,
            texts=self.texts,
            failures=self.failures,
            meter=self.meter,
            clock=self.clock,
            workers=self.workers,
            sleep=sleep,
        )
