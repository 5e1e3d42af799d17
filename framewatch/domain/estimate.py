"""What a plan of cameras will use, before anything is deployed: the stack's own appetite, and what it is asked to do.

The model's constants stand below with where each comes from; `tests/unit/test_estimate_model.py` holds those of the
table against what the services really ask of it. A month has thirty days, and is one of a site that has run for as
long as it keeps things.
"""

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from framewatch.domain.cost import DAYS_A_MONTH
from framewatch.domain.hourly import Counts
from framewatch.domain.settings_base import Section
from framewatch.domain.standing_use import ALARMS, CUSTOM_METRICS, DASHBOARDS, KMS_KEYS
from framewatch.domain.usage import Number, Usage, UsageKind, to_decimal

Share = Annotated[float, Field(ge=0, le=1)]

# -- frames in the table (counted: tests/units.py over the services, twelve labels: 45 unwatched, 106 watched) ------
# A frame's item and each index item hold the whole document (wire/frame_items.py, adapters/aws/frame_table.py).
FRAME_BYTES = 520
LABEL_BYTES = 175
# Names beyond the labels' own that a frame is found by: parents and aliases.
EXTRA_NAMES = 2
EXTRA_NAMES_WATCHED = 3
# What DynamoDB adds to each item that it stores, by its own documentation.
STORED_OVERHEAD_BYTES = 100
# A sighting of a watched label: visit, its copy by day and the frame's mark, in a transaction, which costs twice.
VISIT_WRITE_UNITS = 10
VISIT_READ_UNITS = 2
# Whether the frame is stored already.
FRAME_READ_UNITS = 1
# An alert, its work, its link and what is noted of the text.
ALERT_WRITE_UNITS = 20
ALERT_BYTES = 4_000

# -- once a minute, whatever happens (counted over the services: one camera and six, quiet and busy) ----------------
BEATS_A_MINUTE = 1
BEAT_BYTES = 2_000
BEAT_WRITE_UNITS = 1
WATCHDOG_READ_UNITS, WATCHDOG_READ_UNITS_A_CAMERA = Decimal(8), Decimal("1.85")
WATCHDOG_WRITE_UNITS, WATCHDOG_WRITE_UNITS_A_CAMERA = Decimal(2), Decimal("0.2")
# Counting reads each frame again, some seven times, at half price (services/roll_up.py).
COUNT_READ_UNITS_A_KB = Decimal("0.85")
COUNT_WRITE_UNITS_A_CAMERA = 2
COUNTED_EVERY_MINUTE_UP_TO, COUNTED_EVERY_MIN = 8, 5
# Health notes and limits, every 30 s for each shard that is worked on (services/note_health.py, limited_site.py).
SHARD_WRITE_UNITS_A_MINUTE = 2
SHARD_READ_UNITS_A_MINUTE = 2
# Each process reads the site file once a minute.
SITE_READS_A_MINUTE = 1

# -- functions (memory: infra/stacks) -------------------------------------------------------------------------------
# The processor's times are those of benchmarks/image_processor.py, where vision answers in 200 ms; nobody has
# measured that in an account. The other functions' are assumed.
PROCESSOR_GB, WATCHDOG_GB, API_GB = Decimal(1), Decimal("0.5"), Decimal("0.5")
BATCH_S, FRAME_S = Decimal("0.30"), Decimal("0.02")
BEAT_BATCH_S = Decimal("0.05")
WATCHDOG_S, WATCHDOG_S_A_CAMERA = Decimal("0.15"), Decimal("0.03")
API_S = Decimal("0.06")
LOG_BYTES_A_CALL = 1_500
# An on-demand stream begins with so many.
ON_DEMAND_SHARDS = 4
SHARD_MB_A_S = 1
PUT_UNIT_KB = 25

# -- an open page (web_ui: the live wall asks every 2 s, every 5 s above sixteen cameras; its alerts every 5 s) -----
WALL_EVERY_S, LARGE_WALL_EVERY_S, LARGE_WALL = 2, 5, 16
ALERTS_EVERY_S = 5
WALL_READ_UNITS, WALL_READ_UNITS_A_CAMERA = Decimal("2.5"), Decimal("0.75")
ALERTS_READ_UNITS_A_CAMERA = Decimal("2.25")
ANSWER_KB = 4
# Requests and latencies, by route, while somebody asks (infra/stacks/api.py: detailed metrics).
ROUTE_METRICS = 12

SECONDS_AN_HOUR = 3600
MINUTES_A_DAY = 24 * 60


class Plan(Section):
    """What somebody wants to watch, and how. The defaults are those of the stack, or an ordinary day's."""

    cameras: int = Field(default=1, ge=1, le=10_000, description="how many cameras there are")
    hours: float = Field(default=24, gt=0, le=24, description="hours a day in which frames are taken")
    fps: float = Field(default=1, gt=0, le=60, description="frames a second that are taken of each camera")
    frame_kb: float = Field(default=150, ge=1, le=1024, description="KB of a picture; 1280x720 at quality 90 has 150")
    gate_share: Share = Field(
        default=0.3, description="of the frames taken, the share that the motion gate sends (1: all of them)"
    )
    analysed_share: Share = Field(
        default=1,
        description="of the frames sent, the share that vision is shown; the rest are near-duplicates or screened",
    )
    watched_share: Share = Field(default=0.3, description="of the frames sent, the share that shows a watched label")
    labels: int = Field(default=12, ge=0, le=100, description="labels that vision finds in a frame")
    alerts_per_day: float = Field(default=5, ge=0, le=100_000, description="alerts a day of the whole site")
    texts_per_alert: float = Field(default=1, ge=0, le=100, description="people who are texted of one alert")
    parts_per_text: int = Field(default=1, ge=1, le=10, description="parts of a text: 160 plain characters, or 70")
    retention_days: int = Field(default=30, ge=1, le=3650, description="how long pictures are kept")
    metadata_days: int = Field(default=90, ge=1, le=3650, description="how long what was seen is kept")
    users: int = Field(default=2, ge=0, le=100_000, description="people who sign in")
    page_hours: float = Field(default=1, ge=0, le=24, description="hours a day that each has the dashboard open")
    shards: int | None = Field(
        default=None, ge=1, le=500, description="shards of the stream; left out, it is on demand"
    )
    window_s: int = Field(default=1, ge=0, le=300, description="how long frames wait for company")
    log_days: int = Field(default=30, ge=1, le=3650, description="how long logs are kept")


@dataclass(frozen=True, slots=True)
class Frames:
    """A day's, of all cameras."""

    taken: Decimal
    sent: Decimal
    analysed: Decimal
    watched: Decimal


@dataclass(frozen=True, slots=True)
class Estimate:
    plan: Plan
    frames: Frames
    month: Usage

    @property
    def day(self) -> Usage:
        return self.month / DAYS_A_MONTH


class PlanProblem(ValueError):
    """The plan cannot work; the message is a sentence with the way out."""


def estimate(plan: Plan) -> Estimate:
    """Raises PlanProblem."""
    frames = _frames(plan)
    _check_stream(plan, frames)
    busy_shards = _busy_shards(plan)
    day = _stream(plan, frames)
    day += Usage(
        {
            UsageKind.IMAGES_ANALYSED: frames.analysed,
            UsageKind.SMS_PARTS: _d(plan.alerts_per_day) * _d(plan.texts_per_alert) * plan.parts_per_text,
            UsageKind.S3_PUT_REQUESTS: frames.sent,
        }
    )
    day += _table(plan, frames, busy_shards) + _functions(plan, frames, busy_shards) + _pages(plan, frames)
    return Estimate(plan, frames, _rounded(day * DAYS_A_MONTH + _kept(plan, frames, day) + _standing(plan)))


def _d(number: Number) -> Decimal:
    return to_decimal(number)


def _frames(plan: Plan) -> Frames:
    taken = plan.cameras * _d(plan.fps) * _d(plan.hours) * SECONDS_AN_HOUR
    sent = taken * _d(plan.gate_share)
    return Frames(taken, sent, sent * _d(plan.analysed_share), sent * _d(plan.watched_share))


def _check_stream(plan: Plan, frames: Frames) -> None:
    mb_a_s = frames.sent * _d(plan.frame_kb) / 1000 / (_d(plan.hours) * SECONDS_AN_HOUR)
    if plan.shards is not None and mb_a_s > plan.shards * SHARD_MB_A_S:
        raise PlanProblem(
            f"these cameras send {mb_a_s:.1f} MB/s, and a shard takes {SHARD_MB_A_S} MB/s;"
            f" plan with {math.ceil(mb_a_s)} shards or more, not {plan.shards}"
        )


def _busy_shards(plan: Plan) -> int:
    """A camera's frames are all on one."""
    return min(plan.cameras, plan.shards or ON_DEMAND_SHARDS)


def _beats(plan: Plan) -> int:
    return plan.cameras * BEATS_A_MINUTE * MINUTES_A_DAY


def _stream(plan: Plan, frames: Frames) -> Usage:
    beats = _beats(plan)
    if plan.shards is not None:
        units = frames.sent * math.ceil(plan.frame_kb / PUT_UNIT_KB) + beats
        return Usage({UsageKind.KINESIS_SHARD_HOURS: 24 * plan.shards, UsageKind.KINESIS_PUT_UNITS: units})
    gb = (frames.sent * _d(plan.frame_kb) + _d(beats * BEAT_BYTES) / 1000) / 1_000_000
    return Usage({UsageKind.KINESIS_STREAM_HOURS: 24, UsageKind.KINESIS_GB_IN: gb, UsageKind.KINESIS_GB_OUT: gb})


def frame_items(labels: int, *, watched: bool) -> int:
    """How many items of the table a frame is: itself, one for each name, and those of the watch list again."""
    names = labels + (EXTRA_NAMES_WATCHED if watched else EXTRA_NAMES) if labels else 0
    return (1 + names) * (2 if watched else 1)


def item_bytes(counts: Counts) -> int:
    """What counted frames and alerts take in the table, about: by how many labels a frame has on average."""
    if not counts.frames:
        return counts.alerts * ALERT_BYTES
    labels = round((sum(counts.by_label.values()) + counts.other_labels) / counts.frames)
    each = FRAME_BYTES + labels * LABEL_BYTES + STORED_OVERHEAD_BYTES
    items = (counts.frames - counts.watch_frames) * frame_items(labels, watched=False)
    items += counts.watch_frames * frame_items(labels, watched=True)
    return items * each + counts.alerts * ALERT_BYTES


def frame_kib(labels: int) -> int:
    """Of each of its items, as a write is billed."""
    return math.ceil((FRAME_BYTES + labels * LABEL_BYTES) / 1024)


def frame_write_units(labels: int, *, watched: bool) -> int:
    return frame_items(labels, watched=watched) * frame_kib(labels) + (VISIT_WRITE_UNITS if watched else 0)


def _table(plan: Plan, frames: Frames, busy_shards: int) -> Usage:
    unwatched = frames.sent - frames.watched
    often = Decimal(1) if plan.cameras <= COUNTED_EVERY_MINUTE_UP_TO else Decimal(1) / COUNTED_EVERY_MIN
    busy_minutes = _d(plan.hours) * 60
    written = (
        unwatched * frame_write_units(plan.labels, watched=False)
        + frames.watched * frame_write_units(plan.labels, watched=True)
        + _d(plan.alerts_per_day) * ALERT_WRITE_UNITS
        + _beats(plan) * BEAT_WRITE_UNITS
        + MINUTES_A_DAY * (WATCHDOG_WRITE_UNITS + plan.cameras * WATCHDOG_WRITE_UNITS_A_CAMERA)
        + busy_minutes * plan.cameras * COUNT_WRITE_UNITS_A_CAMERA * often
        + busy_minutes * busy_shards * SHARD_WRITE_UNITS_A_MINUTE
    )
    read = (
        frames.sent * (FRAME_READ_UNITS + COUNT_READ_UNITS_A_KB * frame_kib(plan.labels) * often)
        + frames.watched * VISIT_READ_UNITS
        + MINUTES_A_DAY * (WATCHDOG_READ_UNITS + plan.cameras * WATCHDOG_READ_UNITS_A_CAMERA)
        + busy_minutes * busy_shards * SHARD_READ_UNITS_A_MINUTE
    )
    return Usage({UsageKind.DYNAMODB_WRITE_UNITS: written, UsageKind.DYNAMODB_READ_UNITS: read})


def _functions(plan: Plan, frames: Frames, busy_shards: int) -> Usage:
    """A batch begins with a record and takes in what arrives within its window."""
    open_s, closed_s = _d(plan.hours) * SECONDS_AN_HOUR, (24 - _d(plan.hours)) * SECONDS_AN_HOUR
    beats = _beats(plan)
    beats_a_s = _d(beats) / (24 * SECONDS_AN_HOUR) / busy_shards
    records_a_s = frames.sent / open_s / busy_shards + beats_a_s
    busy_batches = open_s * busy_shards * records_a_s / (1 + records_a_s * plan.window_s)
    idle_batches = closed_s * busy_shards * beats_a_s / (1 + beats_a_s * plan.window_s)
    # What comes together is worked on together: only what each further frame adds is paid for it.
    processor_s = busy_batches * (BATCH_S - FRAME_S) + frames.sent * FRAME_S + idle_batches * BEAT_BATCH_S
    watchdog_s = MINUTES_A_DAY * (WATCHDOG_S + plan.cameras * WATCHDOG_S_A_CAMERA)
    calls = busy_batches + idle_batches + MINUTES_A_DAY
    return Usage(
        {
            UsageKind.LAMBDA_REQUESTS: calls,
            UsageKind.LAMBDA_GB_S: processor_s * PROCESSOR_GB + watchdog_s * WATCHDOG_GB,
            UsageKind.LOG_GB: calls * LOG_BYTES_A_CALL / 1_000_000_000,
            UsageKind.S3_GET_REQUESTS: (busy_shards + 1) * SITE_READS_A_MINUTE * MINUTES_A_DAY,
        }
    )


def _pages(plan: Plan, frames: Frames) -> Usage:
    """Everybody has the live wall open, the dearest of the views."""
    open_h = plan.users * _d(plan.page_hours)
    wall_every_s = WALL_EVERY_S if plan.cameras <= LARGE_WALL else LARGE_WALL_EVERY_S
    wall, alerts = open_h * SECONDS_AN_HOUR / wall_every_s, open_h * SECONDS_AN_HOUR / ALERTS_EVERY_S
    requests = wall + alerts
    # Each picture is fetched once, and at most one a poll and camera is seen.
    sent_an_hour = frames.sent / _d(plan.hours) / plan.cameras
    pictures = open_h * plan.cameras * min(sent_an_hour, _d(SECONDS_AN_HOUR) / wall_every_s)
    reads = wall * (WALL_READ_UNITS + plan.cameras * WALL_READ_UNITS_A_CAMERA)
    reads += alerts * plan.cameras * ALERTS_READ_UNITS_A_CAMERA
    return Usage(
        {
            UsageKind.API_REQUESTS: requests,
            UsageKind.CLOUDFRONT_REQUESTS: requests,
            UsageKind.CLOUDFRONT_GB: requests * ANSWER_KB / 1_000_000,
            UsageKind.LAMBDA_REQUESTS: requests,
            UsageKind.LAMBDA_GB_S: requests * API_S * API_GB,
            UsageKind.LOG_GB: requests * LOG_BYTES_A_CALL / 1_000_000_000,
            UsageKind.DYNAMODB_READ_UNITS: reads,
            UsageKind.S3_GET_REQUESTS: pictures,
            UsageKind.S3_GB_OUT: pictures * _d(plan.frame_kb) / 1_000_000,
        }
    )


def _kept(plan: Plan, frames: Frames, day: Usage) -> Usage:
    """A month of what lies there, once the oldest goes as the newest comes."""
    item_bytes = FRAME_BYTES + plan.labels * LABEL_BYTES + STORED_OVERHEAD_BYTES
    items_a_day = (frames.sent - frames.watched) * frame_items(plan.labels, watched=False)
    items_a_day += frames.watched * frame_items(plan.labels, watched=True)
    table_gb = (items_a_day * item_bytes + _d(plan.alerts_per_day) * ALERT_BYTES) * plan.metadata_days / 1_000_000_000
    return Usage(
        {
            UsageKind.S3_GB_MONTHS: frames.sent * _d(plan.frame_kb) / 1_000_000 * plan.retention_days,
            UsageKind.DYNAMODB_GB_MONTHS: table_gb,
            UsageKind.DYNAMODB_BACKUP_GB_MONTHS: table_gb,
            UsageKind.LOG_GB_MONTHS: day.amount(UsageKind.LOG_GB) * plan.log_days,
        }
    )


def _standing(plan: Plan) -> Usage:
    """What domain/standing_use.py counts by the hour, and who signs in; the stream is counted with its frames."""
    page_h = min(_d(24), plan.users * _d(plan.page_hours))
    return Usage(
        {
            UsageKind.ALARMS: ALARMS,
            UsageKind.DASHBOARDS: DASHBOARDS,
            UsageKind.KMS_KEYS: KMS_KEYS,
            # A metric is paid for in the hours in which it is counted.
            UsageKind.CUSTOM_METRICS: CUSTOM_METRICS + ROUTE_METRICS * page_h / 24,
            UsageKind.SIGN_IN_USERS: plan.users,
        }
    )


def _rounded(usage: Usage) -> Usage:
    """No model knows more digits."""
    return Usage({kind: round(amount, 6) for kind, amount in usage.items()})
