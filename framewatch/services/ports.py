"""What the use cases need of the world, as Protocols. Adapters fulfil them; tests fulfil them with fakes.

Every method may raise the RetryableError that fits it; each says which PermanentErrors it may raise.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from framewatch.domain.alert_settings import Alerts
from framewatch.domain.alerts import (
    Alert,
    AlertLink,
    AlertRef,
    Answer,
    AnswerKind,
    Delivery,
    FalseAlarm,
    IncidentSighting,
    Note,
    OpenAlert,
)
from framewatch.domain.frames import FrameMeta
from framewatch.domain.hourly import DayCounts, HourCounts
from framewatch.domain.labels import Label
from framewatch.domain.limits import Held, LimitOverride, LimitState
from framewatch.domain.rule_state import RuleState
from framewatch.domain.silence import ShardHealth, Subject
from framewatch.domain.site import SiteConfig
from framewatch.domain.trouble_life import TroubleLife
from framewatch.domain.visits import AlertState, Visit, VisitChange
from framewatch.wire.alert_message import AlertMessage
from framewatch.wire.frame_items import StoredFrame
from framewatch.wire.heartbeat_items import StoredHeartbeat


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware, in UTC."""
        ...


class SiteSource(Protocol):
    def current(self) -> SiteConfig:
        """The last good site configuration. Raises SiteFileError when there never was one."""
        ...


class LabelDetector(Protocol):
    def detect(self, jpeg: bytes, *, min_confidence: float, max_labels: int) -> list[Label]:
        """Most confident first. Raises ImageRejected."""
        ...


class ImageStore(Protocol):
    def put(self, key: str, jpeg: bytes) -> None: ...

    def url(self, key: str, expires_in: timedelta) -> str:
        """A link that anybody can open until it expires. Makes no request."""
        ...


class FrameTable(Protocol):
    def get_stored(self, metas: Sequence[FrameMeta]) -> dict[str, StoredFrame]:
        """Those already stored, by frame id; read with strong consistency."""
        ...

    def put(self, frame: StoredFrame, expires_at: datetime) -> bool:
        """Store the frame and its index items. False when the frame was stored already: then nothing changed."""
        ...


@dataclass(frozen=True, slots=True)
class Decided:
    """What a change of a visit leads to; written with it, all or nothing.

    alerts: new ones, each with work for the watchdog from due_at on. joins: an alert that is there already, and the
    visit that joined its incident. states: the version that was read; the write is refused when it has moved since.
    """

    alerts: tuple[Alert, ...] = ()
    due_at: datetime | None = None
    joins: tuple[tuple[AlertRef, IncidentSighting], ...] = ()
    states: tuple[RuleState, ...] = ()


MAX_WRITES = 100
"""In one `VisitTable.apply`: what a DynamoDB transaction holds."""


def writes_of(change: VisitChange, decided: Decided) -> int:
    """How many items it writes: who joins many visits, or counts many frames, does so in parts."""
    after = (change.after.first_seen, change.after.visit_id)
    # A visit and its copy by day; both move when it begins earlier, or becomes part of another.
    moved = sum((v.first_seen, v.visit_id) != after for v in change.before)
    decisions = 2 * len(decided.alerts) + len(decided.joins) + len(decided.states)
    return 2 + 2 * moved + len(change.sightings) + decisions


def check_writes(change: VisitChange, decided: Decided) -> None:
    """Raises ValueError for what no table can write at once."""
    if decided.alerts and decided.due_at is None:
        raise ValueError("alerts without due_at: nobody would send them if this process died")
    if (writes := writes_of(change, decided)) > MAX_WRITES:
        raise ValueError(f"a change of {writes} items; at most {MAX_WRITES} are written at once, so make it in parts")


class VisitTable(Protocol):
    def counted(self, frame_ids: Sequence[str], label: str) -> set[str]:
        """Which of the frames are already counted in a visit of the label; strong consistency."""
        ...

    def near(self, camera_id: str, label: str, first: datetime, last: datetime, gap: timedelta) -> list[Visit]:
        """Every visit within the gap of the span first..last, oldest first; strong consistency."""
        ...

    def apply(self, change: VisitChange, decided: Decided, expires_at: datetime) -> None:
        """Write the change, its frames' marks and what was decided, all or nothing.

        Raises WriteConflict, and ValueError for more than MAX_WRITES items.
        """
        ...

    def newest_first(
        self, camera_id: str, day: str, *, before_sk: str | None = None, page: int = 100
    ) -> Iterator[tuple[str, Visit]]:
        """Visits of every label whose first sighting falls on this UTC day, each with its sort key, newest first.

        before_sk: only those below it. Their path is not read.
        """
        ...


class SeenTable(Protocol):
    def get(self, subject: str) -> datetime | None:
        """Until when the user has seen what happened; None when they never said so."""
        ...

    def move(self, subject: str, until: datetime, at: datetime, expires_at: datetime) -> datetime:
        """Never back: returns what stands. at: now."""
        ...


class AlertTable(Protocol):
    """Alerts, and what is still to be done about them. Times are the injected clock's but for captures."""

    def get(self, ref: AlertRef) -> Alert | None:
        """Strong consistency."""
        ...

    def newest_first(
        self, camera_id: str, day: str, *, before_sk: str | None = None, page: int = 100
    ) -> Iterator[tuple[str, Alert]]:
        """Alerts captured on this UTC day, each with its sort key, newest first."""
        ...

    def rule_state(self, rule_id: str, scope: str) -> RuleState:
        """Strong consistency; an empty one of version 0 where none is stored."""
        ...

    def rule_states(self) -> list[RuleState]:
        """All of them; strong consistency."""
        ...

    def put_rule_state(self, state: RuleState, expires_at: datetime) -> None:
        """In place of the version that was read. Raises WriteConflict."""
        ...

    def limit_state(self) -> LimitState: ...

    def reserve(self, alert: Alert, contact_id: str, after: LimitState, expires_at: datetime) -> bool:
        """Count this contact's text of this alert, once. False when it was counted before: then nothing changed.

        after: the state that the text is counted in, at the version that was read. Raises WriteConflict.
        """
        ...

    def put_limit_state(self, state: LimitState, expires_at: datetime) -> None:
        """In place of the version that was read. Raises WriteConflict."""
        ...

    def record_delivery(self, alert: Alert, contact_id: str, delivery: Delivery) -> None: ...

    def hold(self, alert: Alert, contact_id: str, delivery: Delivery, held: Held, expires_at: datetime) -> None:
        """Record the delivery and the held text that a digest will tell of, all or nothing; once for a contact."""
        ...

    def put_held(self, key: str, held: Held, expires_at: datetime) -> None:
        """An alert that came late and was never sent, for a digest. Writing the same key again changes nothing."""
        ...

    def finish(self, alert: Alert, state: AlertState) -> None:
        """Set the alert's and its visit claim's state; HELD is also noted in the visit as withheld for the limit."""
        ...

    def answer(self, ref: AlertRef, kind: AnswerKind, answer: Answer) -> Answer:
        """Keep it if it is the first of its kind, and end what is still to be done. Returns the one that stands.

        A false alarm is also kept for its rule and camera. Raises UnknownAlert.
        """
        ...

    def add_note(self, ref: AlertRef, note: Note, most: int) -> Note:
        """Keep it beside those that are there; the same text by the same person stands once.

        Returns the one that stands. Raises UnknownAlert, and NotesFull where the alert has `most` already.
        """
        ...

    def open_work(self) -> tuple[list[OpenAlert], list[tuple[str, Held]]]:
        """Everything that is to be done, due or not, the longest due first; strong consistency.

        Held ones with the key to close them by.
        """
        ...

    def reschedule(self, before: OpenAlert, after: OpenAlert) -> None:
        """Raises WriteConflict when somebody else has worked on it since, or it is closed."""
        ...

    def close(self, ref: AlertRef) -> None:
        """Nothing is left to be done about it."""
        ...

    def close_held(self, keys: Sequence[str]) -> None: ...

    def put_link(self, token: str, link: AlertLink) -> None:
        """Keep what the token opens. The token itself is not kept, only a digest of it."""
        ...

    def link(self, token: str) -> AlertLink | None: ...

    def use_link(self, token: str, most: int) -> bool:
        """Count one answer given by the token. False when it was used so often already, or is revoked."""
        ...

    def revoke_links(self, ref: AlertRef) -> int:
        """Every link to the alert opens nothing from now on. Returns how many there were."""
        ...

    def false_alarms(self, rule_id: str, camera_id: str, page: int = 100) -> Iterator[FalseAlarm]:
        """Newest first."""
        ...


class HeartbeatTable(Protocol):
    def put(self, heartbeat: StoredHeartbeat, expires_at: datetime) -> bool:
        """Keep it as the newest of its camera and box. False when a newer one is there, or the same: it stays."""
        ...

    def newest(self) -> list[StoredHeartbeat]:
        """Of every camera and box, in the order of their ids; strong consistency."""
        ...


class TroubleTable(Protocol):
    """What is silent, and who has been told. Only who has the turn writes, so no item needs a guard of its own."""

    def all(self) -> list[TroubleLife]:
        """Strong consistency."""
        ...

    def put(self, lives: Sequence[TroubleLife], expires_at: datetime) -> None: ...

    def forget(self, subjects: Sequence[Subject]) -> None: ...

    def take_turn(self, now: datetime, until: datetime) -> bool:
        """False while somebody else has it. until: when it ends by itself; to be later than its holder can live."""
        ...

    def end_turn(self, now: datetime, until: datetime) -> None:
        """until: as it was taken. Does nothing when somebody else has the turn since."""
        ...


class LimitOverrides(Protocol):
    """Limits that an administrator has set; perhaps one whose time is over."""

    def override(self) -> LimitOverride | None:
        """Strong consistency."""
        ...

    def put_override(self, override: LimitOverride, expires_at: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class Recount:
    """Frames came late: the bucket is to be counted again. stamp: another one each time the mark is set."""

    camera_id: str
    bucket: datetime
    marked_at: datetime
    stamp: str


class RecountMarks(Protocol):
    def mark(self, buckets: Collection[tuple[str, datetime]], at: datetime, expires_at: datetime) -> None:
        """Each a camera's id and the beginning of a bucket. Marking one again changes no more than its stamp."""
        ...


class CountTable(RecountMarks, Protocol):
    """How many frames there were. What this build cannot read is left alone: NewerItem."""

    def hour(self, camera_id: str, hour: datetime) -> HourCounts:
        """Strong consistency; an empty one of version 0 where none is stored."""
        ...

    def put_hour(self, counts: HourCounts, expires_at: datetime) -> None:
        """In place of the version that was read. Raises WriteConflict."""
        ...

    def hours(self, camera_id: str, first: datetime, end: datetime, *, fresh: bool = False) -> list[HourCounts]:
        """first <= hour < end, oldest first. fresh: strong consistency, at twice the price."""
        ...

    def day(self, camera_id: str, day: date) -> DayCounts:
        """As an hour."""
        ...

    def put_day(self, counts: DayCounts, expires_at: datetime) -> None:
        """As an hour. Raises WriteConflict."""
        ...

    def days(self, camera_id: str, first: date, last: date) -> list[DayCounts]:
        """Both included, oldest first."""
        ...

    def counted_until(self) -> dict[str, datetime]:
        """By camera id; strong consistency."""
        ...

    def put_counted_until(self, camera_id: str, at: datetime, expires_at: datetime) -> None: ...

    def recounts(self, most: int) -> list[Recount]:
        """Those of the oldest buckets first; strong consistency."""
        ...

    def done(self, recount: Recount) -> None:
        """Remove the mark, unless it was set again since it was read."""
        ...


class HealthTable(Protocol):
    """How far behind the image processor is, one small item for each shard."""

    def get(self, shard_id: str) -> ShardHealth | None:
        """Strong consistency."""
        ...

    def put(self, health: ShardHealth, expires_at: datetime) -> None: ...

    def all(self) -> list[ShardHealth]:
        """Strong consistency."""
        ...


class TextSender(Protocol):
    def send(self, phone: str, text: str, settings: Alerts) -> str:
        """settings: sender id and highest price. Returns the provider's message id. Raises NotificationRejected."""
        ...

    def has_opted_out(self, phone: str) -> bool:
        """Whether texts to it are taken and thrown away, as its owner answered STOP. False where nobody can say."""
        ...


class TopicPublisher(Protocol):
    def publish(self, message: AlertMessage, text: str) -> str:
        """To the stack's alert topic: the message as JSON, the text for mailboxes. Returns the message id.

        Raises NotificationRejected when the topic takes no such message.
        """
        ...


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One stream record as the event source hands it over. record_id: its sequence number."""

    record_id: str
    partition_key: str
    data: bytes
    shard_id: str
    arrived_at: datetime | None = None


class FailureStore(Protocol):
    def keep(self, record: RawRecord, reason: str, error_name: str, at: datetime) -> str:
        """Keep the raw record in S3, then put a pointer in the failure queue. Returns the object's key."""
        ...


class Meter(Protocol):
    """Counts what happened. Cheap, and never fails."""

    def count(self, name: str, value: int = 1, dimensions: Mapping[str, str] | None = None) -> None: ...

    def time_ms(self, name: str, value_ms: float) -> None: ...
