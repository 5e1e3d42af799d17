"""In-memory fakes of the ports. The contract suite runs on them and on the AWS adapters alike.

Every effect passes `Faults`, which can raise before or after it: a failure that the adapter would report, or a
crash of the process, which no `except Exception` stops.
"""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from framewatch.adapters.memory import MemoryAlerts, MemoryStore, MemoryVisits
from framewatch.domain.alert_settings import Alerts, Contact
from framewatch.domain.alerts import Alert, AlertLink, AlertRef, Answer, AnswerKind, Delivery, OpenAlert
from framewatch.domain.budget import BudgetState
from framewatch.domain.frames import FrameMeta
from framewatch.domain.labels import Label
from framewatch.domain.limits import Held, LimitState
from framewatch.domain.rule_state import RuleState
from framewatch.domain.site import Camera, SiteConfig
from framewatch.domain.visits import AlertState, Visit, VisitChange
from framewatch.services.ports import Decided, RawRecord, Recount
from framewatch.services.processing import Deps
from framewatch.services.send_alerts import SendDeps
from framewatch.wire.alert_message import AlertMessage
from framewatch.wire.frame_items import StoredFrame
from framewatch.wire.heartbeat_items import StoredHeartbeat

LINK_BASE_URL = "https://cams.example"
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
class FakeBudget:
    """What is read of the table."""

    state: BudgetState = field(default_factory=BudgetState)

    def current(self) -> BudgetState:
        return self.state


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


class FakeVisits(MemoryVisits):
    def __init__(self, faults: Faults | None = None, store: MemoryStore | None = None):
        super().__init__(store or MemoryStore())
        self.faults = faults or Faults()

    @property
    def visits(self) -> dict[str, Visit]:
        """By visit id."""
        return self.store.visits

    @property
    def seen(self) -> set[tuple[str, str]]:
        """Frame id and folded label of what is counted."""
        return self.store.seen

    def counted(self, frame_ids: Sequence[str], label: str) -> set[str]:
        self.faults.before("visits counted")
        return super().counted(frame_ids, label)

    def near(self, camera_id: str, label: str, first: datetime, last: datetime, gap: timedelta) -> list[Visit]:
        self.faults.before("visits near")
        found = super().near(camera_id, label, first, last, gap)
        self.faults.after("visits near")
        return found

    def apply(self, change: VisitChange, decided: Decided, expires_at: datetime) -> None:
        self.faults.before("visits apply")
        super().apply(change, decided, expires_at)
        self.faults.after("visits apply")


class FakeAlerts(MemoryAlerts):
    """Reads fail before, writes before and after."""

    def __init__(self, faults: Faults | None = None, store: MemoryStore | None = None):
        super().__init__(store or MemoryStore())
        self.faults = faults or Faults()

    @property
    def alerts(self) -> dict[str, Alert]:
        """By alert id."""
        return self.store.alerts

    @property
    def work(self) -> dict[str, OpenAlert]:
        """By alert id."""
        return self.store.work

    @property
    def held(self) -> list[Held]:
        return list(self.store.held.values())

    @contextmanager
    def _effect(self, name: str) -> Iterator[None]:
        self.faults.before(name)
        yield
        self.faults.after(name)

    def get(self, ref: AlertRef) -> Alert | None:
        self.faults.before("alert get")
        return super().get(ref)

    def rule_state(self, rule_id: str, scope: str) -> RuleState:
        self.faults.before("rule state get")
        return super().rule_state(rule_id, scope)

    def put_rule_state(self, state: RuleState, expires_at: datetime) -> None:
        with self._effect("rule state put"):
            super().put_rule_state(state, expires_at)

    def limit_state(self) -> LimitState:
        self.faults.before("limits get")
        return super().limit_state()

    def put_limit_state(self, state: LimitState, expires_at: datetime) -> None:
        with self._effect("limits put"):
            super().put_limit_state(state, expires_at)

    def reserve(self, alert: Alert, contact_id: str, after: LimitState, expires_at: datetime) -> bool:
        with self._effect("reserve"):
            return super().reserve(alert, contact_id, after, expires_at)

    def record_delivery(self, alert: Alert, contact_id: str, delivery: Delivery) -> None:
        with self._effect("delivery"):
            super().record_delivery(alert, contact_id, delivery)

    def hold(self, alert: Alert, contact_id: str, delivery: Delivery, held: Held, expires_at: datetime) -> None:
        with self._effect("hold"):
            super().hold(alert, contact_id, delivery, held, expires_at)

    def put_held(self, key: str, held: Held, expires_at: datetime) -> None:
        with self._effect("held put"):
            super().put_held(key, held, expires_at)

    def finish(self, alert: Alert, state: AlertState) -> None:
        with self._effect("alert finish"):
            super().finish(alert, state)

    def answer(self, ref: AlertRef, kind: AnswerKind, answer: Answer) -> Answer:
        with self._effect("answer"):
            return super().answer(ref, kind, answer)

    def open_work(self) -> tuple[list[OpenAlert], list[tuple[str, Held]]]:
        self.faults.before("open work")
        return super().open_work()

    def reschedule(self, before: OpenAlert, after: OpenAlert) -> None:
        with self._effect("reschedule"):
            super().reschedule(before, after)

    def close(self, ref: AlertRef) -> None:
        with self._effect("close"):
            super().close(ref)

    def close_held(self, keys: Sequence[str]) -> None:
        with self._effect("close held"):
            super().close_held(keys)

    def put_link(self, token: str, link: AlertLink) -> None:
        with self._effect("link put"):
            super().put_link(token, link)

    def link(self, token: str) -> AlertLink | None:
        self.faults.before("link get")
        return super().link(token)

    def use_link(self, token: str, most: int) -> bool:
        with self._effect("link use"):
            return super().use_link(token, most)

    def revoke_links(self, ref: AlertRef) -> int:
        with self._effect("links revoke"):
            return super().revoke_links(ref)


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
    settings: list[Alerts] = field(default_factory=list)  # that each was sent with
    opted_out: set[str] = field(default_factory=set)  # phones whose texts are taken and thrown away

    def send(self, phone: str, text: str, settings: Alerts) -> str:
        self.faults.before("text send")
        if self.errors.get(phone):
            raise self.errors[phone].pop(0)
        self.sent.append((phone, text))
        self.settings.append(settings)
        self.faults.after("text send")
        return f"message-{len(self.sent)}"

    def has_opted_out(self, phone: str) -> bool:
        self.faults.before("opt-out asked")
        return phone in self.opted_out


@dataclass
class FakeTopic:
    faults: Faults = field(default_factory=Faults)
    errors: list[Exception] = field(default_factory=list)  # raised in turn
    published: list[tuple[AlertMessage, str]] = field(default_factory=list)

    def publish(self, message: AlertMessage, text: str) -> str:
        self.faults.before("topic publish")
        if self.errors:
            raise self.errors.pop(0)
        self.published.append((message, text))
        self.faults.after("topic publish")
        return f"topic-message-{len(self.published)}"


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
class FakeRecounts:
    """marks: by bucket and camera id."""

    faults: Faults = field(default_factory=Faults)
    marks: dict[tuple[datetime, str], Recount] = field(default_factory=dict)
    stamps: int = 0

    def mark(self, buckets: Collection[tuple[str, datetime]], at: datetime, expires_at: datetime) -> None:
        self.faults.before("mark")
        for camera_id, bucket in buckets:
            self.stamps += 1
            self.marks[bucket, camera_id] = Recount(camera_id, bucket, at, str(self.stamps))
        self.faults.after("mark")


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
        self.budget = FakeBudget()
        self.vision = FakeVision(self.faults)
        self.images = FakeImages(self.faults)
        self.frames = FakeFrames(self.faults)
        store = MemoryStore()
        self.visits = FakeVisits(self.faults, store)
        self.alerts = FakeAlerts(self.faults, store)
        self.heartbeats = FakeHeartbeats(self.faults)
        self.texts = FakeTexts(self.faults)
        self.topic = FakeTopic(self.faults)
        self.tokens = 0
        self.failures = FakeFailures(self.faults)
        self.recounts = FakeRecounts(self.faults)
        self.meter = FakeMeter()

    def sending(self, sleep: Callable[[float], None] = lambda _: None) -> SendDeps:
        return SendDeps(
            alerts=self.alerts,
            texts=self.texts,
            topic=self.topic,
            clock=self.clock,
            link_base_url=LINK_BASE_URL,
            new_token=self._new_token,
            sleep=sleep,
        )

    def _new_token(self) -> str:
        """`token00000000000000N`, as long as a real one."""
        self.tokens += 1
        return f"token{self.tokens:015d}"

    def deps(self, sleep: Callable[[float], None] = lambda _: None) -> Deps:
        return Deps(
            site=self.site,
            budget=self.budget,
            vision=self.vision,
            images=self.images,
            frames=self.frames,
            visits=self.visits,
            alerts=self.alerts,
            heartbeats=self.heartbeats,
            sending=self.sending(sleep),
            failures=self.failures,
            recounts=self.recounts,
            meter=self.meter,
            clock=self.clock,
            workers=self.workers,
            sleep=sleep,
        )
