"""What the API takes and answers about how much there was: frames, labels, alerts, by camera and step of time."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Annotated

from pydantic import Field, WithJsonSchema

from framewatch.domain.analysis import Analysis
from framewatch.domain.frames import GateReason
from framewatch.domain.hourly import MAX_LABELS, EdgeCounts, StepCounts
from framewatch.wire.api_values import Answer, Query, Time, TimeParameter, Words, parse_query, text_only

MAX_VALUE_CHARS = 200


class Step(IntEnum):
    """Width of a step in seconds. Of a day it is nominal: the two days of a clock change have 23 and 25 hours."""

    TEN_MINUTES = 600
    HOUR = 3600
    DAY = 86_400

    @property
    def longest(self) -> timedelta:
        """The longest span that can be asked for: what costs little, and still is more than a screen shows."""
        return {
            Step.TEN_MINUTES: timedelta(days=2),
            Step.HOUR: timedelta(days=62),
            Step.DAY: timedelta(days=400),
        }[self]

    @property
    def usual(self) -> timedelta:
        """The span where none is asked for."""
        return {Step.TEN_MINUTES: timedelta(days=1), Step.HOUR: timedelta(days=7), Step.DAY: timedelta(days=30)}[self]


def _parse_step(text: str) -> Step:
    for step in Step:
        if text == str(int(step)):
            return step
    raise ValueError(f"one of {', '.join(str(int(step)) for step in Step)}")


class StatsQuery(Query):
    """The parameters of GET /v1/stats. Times are captures."""

    camera: Words = Field(
        default=(), description="a camera's id, as often as there are cameras to choose; absent: every camera"
    )
    from_: TimeParameter | None = Field(
        default=None,
        alias="from",
        description="the step that holds this time is the first; absent: a day, a week or thirty days before the end",
    )
    to: TimeParameter | None = Field(
        default=None, description="the step that holds the moment before this time is the last; absent: now"
    )
    step: Annotated[
        Step, text_only(_parse_step), WithJsonSchema({"type": "integer", "enum": [int(s) for s in Step]})
    ] = Field(
        default=Step.HOUR,
        description="seconds: 600, over 2 days at most; 3600, hours of UTC, over 62; 86400, days of the site's zone,"
        " over 400",
    )


def parse_stats_query(pairs: Iterable[tuple[str, str]]) -> StatsQuery:
    """Raises InvalidQuery."""
    return parse_query(StatsQuery, pairs, max_value_chars=MAX_VALUE_CHARS)


class EdgeCountsView(Answer):
    """What the box beside the camera counted."""

    read: int = Field(description="grabbed from the camera, sampled or not")
    sampled: int
    gated: int = Field(description="kept back by the motion gate")

    @classmethod
    def of(cls, edge: EdgeCounts) -> "EdgeCountsView":
        return cls(read=edge.read, sampled=edge.sampled, gated=edge.gated)


class StatsBucketView(Answer):
    at: Time = Field(description="when the step begins")
    frames: int = Field(description="stored, each once")
    by_gate_reason: Mapping[GateReason, int] = Field(description="frames by why they were sent")
    by_analysis: Mapping[Analysis, int] = Field(
        description="frames by what vision made of them: analysed, inherited (the labels of an earlier frame that it"
        " nearly equals), screened (a model at the edge saw nothing that is watched), budget (kept from vision by it)"
    )
    jpeg_bytes: int = Field(description="of their pictures; those that were stored before sizes were add nothing")
    by_label: Mapping[str, int] = Field(
        description=f"frames that showed each label, by its own name, most first; the {MAX_LABELS} most frequent of"
        " each ten minutes"
    )
    other_labels: int = Field(description="the sum for all labels that by_label leaves out")
    watch_frames: int = Field(description="frames with a label that a rule watches for")
    alerts: int = Field(description="captured then, whatever became of them")
    withheld: int = Field(
        description="visits that began then, that a rule held back and none alerted for, as they stood when the ten"
        " minutes were last counted: two minutes after their end"
    )
    edge: EdgeCountsView | None = Field(description="null where no box says anything, or not yet")

    @classmethod
    def of(cls, step: StepCounts) -> "StatsBucketView":
        counts = step.counts
        return cls(
            at=step.at,
            frames=counts.frames,
            by_gate_reason=counts.by_gate_reason,
            by_analysis=counts.by_analysis,
            jpeg_bytes=counts.jpeg_bytes,
            by_label=counts.by_label,
            other_labels=counts.other_labels,
            watch_frames=counts.watch_frames,
            alerts=counts.alerts,
            withheld=counts.withheld,
            edge=EdgeCountsView.of(step.edge) if step.edge is not None else None,
        )


class CameraStatsView(Answer):
    camera_id: str
    buckets: tuple[StatsBucketView, ...] = Field(description="oldest first; steps in which nothing was are left out")


class StatsView(Answer):
    from_: Time = Field(serialization_alias="from", description="where the first step begins")
    to: Time = Field(description="where the last step ends")
    step_s: int = Field(description="as it was asked for; a day is that of the site's zone, 23 to 25 hours long")
    cameras: tuple[CameraStatsView, ...]
    counted_until: Time | None = Field(
        description="what these cameras captured before is counted, but for frames that are late; null: one of them"
        " was never counted"
    )

    @classmethod
    def of(
        cls,
        first: datetime,
        end: datetime,
        step: Step,
        cameras: Iterable[tuple[str, Iterable[StepCounts]]],
        counted_until: datetime | None,
    ) -> "StatsView":
        return cls(
            from_=first,
            to=end,
            step_s=int(step),
            cameras=tuple(
                CameraStatsView(camera_id=i, buckets=tuple(StatsBucketView.of(s) for s in steps))
                for i, steps in cameras
            ),
            counted_until=counted_until,
        )
