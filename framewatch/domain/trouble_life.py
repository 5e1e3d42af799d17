"""What becomes of a trouble: suspected, open, told, over, told to be over; then kept for a while, for it may flap.

All of it is decided here, of one subject at a time; who writes and sends is services/tell_troubles.py.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from framewatch.domain.silence import Findings, Subject, Suspicion
from framewatch.domain.troubles import TroubleKind

TOGETHER = timedelta(seconds=45)
"""A trouble waits so long before it is told: what fails with it, within a minute, is told in the same text."""
FLAPPING = timedelta(minutes=30)
"""A contact hears of the same subject's silence once in so long."""


class Stage(StrEnum):
    SUSPECTED = "suspected"  # not yet for longer than its grace
    OPEN = "open"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class TroubleLife:
    """since: when the silence began. opened_at: when it was first found to be a trouble; None while suspected.

    told: when each contact last heard that this subject is silent, in this trouble or one before. owed: contacts who
    are still to hear that it is over.
    """

    kind: TroubleKind
    name: str
    since: datetime
    stage: Stage
    opened_at: datetime | None = None
    cameras: tuple[str, ...] = ()
    told: Mapping[str, datetime] = field(default_factory=dict)
    owed: tuple[str, ...] = ()
    over_at: datetime | None = None

    @property
    def subject(self) -> Subject:
        return self.kind, self.name

    def was_told(self, contact_id: str) -> bool:
        """Of this trouble, not of one before."""
        told_at = self.told.get(contact_id)
        return told_at is not None and self.opened_at is not None and told_at >= self.opened_at

    def is_untold(self, contact_id: str, now: datetime) -> bool:
        """Whether the contact is still to hear of it, now or together with others."""
        if self.stage is not Stage.OPEN or self.was_told(contact_id):
            return False
        told_at = self.told.get(contact_id)
        return told_at is None or now - told_at >= FLAPPING

    def is_ripe(self, now: datetime) -> bool:
        return self.opened_at is not None and now - self.opened_at >= TOGETHER

    def with_told(self, contact_id: str, at: datetime) -> "TroubleLife":
        return replace(self, told={**self.told, contact_id: at})

    def with_paid(self, contact_id: str) -> "TroubleLife":
        return replace(self, owed=tuple(c for c in self.owed if c != contact_id))


def suspected_since(lives: Iterable[TroubleLife]) -> dict[Subject, datetime]:
    return {life.subject: life.since for life in lives if life.stage is not Stage.OVER}


def live_on(before: Mapping[Subject, TroubleLife], found: Findings, now: datetime) -> dict[Subject, TroubleLife]:
    """Every life after this look. One that is missing has ended, and needs to be remembered no longer."""
    after: dict[Subject, TroubleLife] = {}
    for subject, suspicion in found.suspected.items():
        after[subject] = _suspect(before.get(subject), subject, suspicion, now)
    for subject, life in before.items():
        if subject in after:
            continue
        if subject in found.unclear:
            after[subject] = life
        elif (subject in found.well or _is_well_elsewhere(life, found)) and (over := _end(life, now)) is not None:
            after[subject] = over
    return after


def _suspect(life: TroubleLife | None, subject: Subject, suspicion: Suspicion, now: datetime) -> TroubleLife:
    if life is not None and life.stage is Stage.OPEN:
        return replace(life, cameras=suspicion.cameras)
    kind, name = subject
    return TroubleLife(
        kind,
        name,
        suspicion.since,
        Stage.OPEN if suspicion.grave else Stage.SUSPECTED,
        now if suspicion.grave else None,
        suspicion.cameras,
        life.told if life else {},
    )


def _is_well_elsewhere(life: TroubleLife, found: Findings) -> bool:
    """A box whose cameras have all moved to another one."""
    return bool(life.cameras) and all((TroubleKind.CAMERA, i) in found.well for i in life.cameras)


def _end(life: TroubleLife, now: datetime) -> TroubleLife | None:
    if life.stage is Stage.OPEN:
        life = replace(life, stage=Stage.OVER, over_at=now, owed=tuple(c for c in life.told if life.was_told(c)))
    elif life.stage is Stage.SUSPECTED:
        life = replace(life, stage=Stage.OVER, over_at=now)
    flapping = any(now - told_at < FLAPPING for told_at in life.told.values())
    return life if life.owed or flapping else None
