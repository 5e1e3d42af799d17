"""What the API takes and answers about visits: who was where, from when to when, and what rules made of it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from pydantic import Field

from framewatch.domain.frames import BoxXYXYRel
from framewatch.domain.visits import AlertState, Reason, Visit
from framewatch.wire.api_alerts import MAX_VALUE_CHARS, NEXT_CURSOR, ZONE
from framewatch.wire.api_values import (
    DEFAULT_LIMIT,
    Answer,
    Limit,
    Percent,
    Query,
    Time,
    TimeParameter,
    Word,
    Words,
    parse_query,
)


class VisitsQuery(Query):
    """The parameters of GET /v1/visits. Times are those at which visits began."""

    camera: Words = Field(default=(), description="a camera's id, once for each; absent: every camera of the site")
    label: Words = Field(default=(), description="a word of the rules, once for each; case does not count")
    min_confidence: Percent | None = Field(default=None, description="in percent, of the best sighting")
    zone: Word | None = Field(default=None, description=f"{ZONE}. Of the best sighting")
    from_: TimeParameter | None = Field(
        default=None, alias="from", description="at this time or later; absent: seven days before the end"
    )
    to: TimeParameter | None = Field(default=None, description="before this time; absent: now")
    limit: Limit = Field(default=DEFAULT_LIMIT, description="the most visits to answer")
    cursor: Annotated[str, Field(max_length=MAX_VALUE_CHARS)] | None = Field(
        default=None, description="next_cursor of the page before, with the same filters"
    )


def parse_visits_query(pairs: Iterable[tuple[str, str]]) -> VisitsQuery:
    """Raises InvalidQuery."""
    return parse_query(VisitsQuery, pairs, max_value_chars=MAX_VALUE_CHARS)


class ClaimView(Answer):
    """A rule that alerted for the visit, or joined another's incident."""

    rule_id: str
    state: AlertState
    alert_id: str
    frame_id: str = Field(description="the frame that alerted")


class VisitWithheldView(Answer):
    rule_id: str
    reason: Reason
    first_at: Time
    last_at: Time
    count: int = Field(description="frames")
    best_confidence: float = Field(description="percent")


class BestFrameView(Answer):
    frame_id: str
    captured_at: Time
    confidence: float = Field(description="percent")
    box_xyxy_rel: BoxXYXYRel | None = Field(description="of the best object, where the model gave one")
    image_url: str | None = Field(
        description="opens without credentials until image_url_expires_at; never keep it."
        " null once the picture's time is over"
    )
    image_url_expires_at: Time | None


class VisitView(Answer):
    visit_id: str
    camera_id: str
    camera_name: str
    label: str
    first_seen: Time
    last_seen: Time
    open: bool = Field(description="whether a sighting now would still extend it")
    frames: int
    best: BestFrameView
    alerts: tuple[ClaimView, ...]
    withheld: tuple[VisitWithheldView, ...] = Field(description="why rules gave no alert for some of its frames")

    @classmethod
    def of(
        cls,
        visit: Visit,
        *,
        camera_name: str,
        is_open: bool,
        image_url: str | None,
        image_url_expires_at: datetime | None,
    ) -> "VisitView":
        best = visit.best
        return cls(
            visit_id=visit.visit_id,
            camera_id=visit.camera_id,
            camera_name=camera_name,
            label=visit.label,
            first_seen=visit.first_seen,
            last_seen=visit.last_seen,
            open=is_open,
            frames=visit.frame_count,
            best=BestFrameView(
                frame_id=best.frame_id,
                captured_at=best.captured_at,
                confidence=best.confidence,
                box_xyxy_rel=best.box_xyxy_rel,
                image_url=image_url,
                image_url_expires_at=image_url_expires_at if image_url is not None else None,
            ),
            alerts=tuple(
                ClaimView(rule_id=rule, state=claim.state, alert_id=claim.alert_id, frame_id=claim.frame_id)
                for rule, claim in sorted(visit.alerts.items())
            ),
            withheld=tuple(
                VisitWithheldView(
                    rule_id=rule,
                    reason=reason,
                    first_at=row.first_at,
                    last_at=row.last_at,
                    count=row.count,
                    best_confidence=row.best_confidence,
                )
                for rule, progress in sorted(visit.rules.items())
                for reason, row in sorted(progress.withheld.items())
            ),
        )


class VisitsPage(Answer):
    visits: tuple[VisitView, ...] = Field(description="the one that began last first")
    next_cursor: str | None = Field(description=NEXT_CURSOR)
