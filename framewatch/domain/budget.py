"""What is given up, camera by camera, so that the bill stays within the budget; and for how long.

Of a budget is left what was not spent, less what is paid until its period ends though nothing were analysed (standing
use, frames that are kept), less the reserve where some cameras are critical. Ordinary cameras give up step by step as
the share of this that is used grows; critical ones use the reserve up first, and only then begin. At the last step
the share grows no more, for all that is still spent was set aside: so the budget holds.

A step is taken back where the share has fallen by HYSTERESIS below it: in a new period, with a higher budget, or
because less was used than was set aside. What an administrator sets holds until its time, whatever a budget says.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import IntEnum, StrEnum

import pytz
from pytz.tzinfo import BaseTzInfo

from framewatch.domain.budget_settings import Budget, CameraBudget
from framewatch.domain.hourly import day_in, day_start
from framewatch.domain.site import Camera, SiteConfig
from framewatch.domain.spend import Spend

HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


class BudgetStep(IntEnum):
    """Each on top of those before it. None of them loses a frame: what is not analysed is kept, and counted so."""

    FULL = 0
    SLOWER = 1  # the edge samples SLOWER_BY times less often
    ZONES_ONLY = 2  # only frames with motion are analysed; where the camera has zones, with motion in one of them
    WATCHED_ONLY = 3  # only cameras are analysed that a rule with somebody to tell covers
    KEEP_ONLY = 4  # nothing is analysed


SLOWER_BY = 4
LAST_STEP_AT = 0.98
"""Share of the budget. The rest is for what was used and is not known yet: some minutes at the steps before."""
HYSTERESIS = 0.05


class BudgetCause(StrEnum):
    """Which budget nears its end."""

    SITE_MONTH = "site-month"
    SITE_DAY = "site-day"
    CAMERA_MONTH = "camera-month"
    CAMERA_DAY = "camera-day"
    SET = "set"  # an administrator has set the step

    @property
    def is_cameras(self) -> bool:
        return self in (BudgetCause.CAMERA_MONTH, BudgetCause.CAMERA_DAY)

    @property
    def is_daily(self) -> bool:
        return self in (BudgetCause.SITE_DAY, BudgetCause.CAMERA_DAY)


@dataclass(frozen=True, slots=True)
class CameraStep:
    """since: when the camera came to this step. until: when the budget's period ends, or what was set."""

    step: BudgetStep
    cause: BudgetCause
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class BudgetPin:
    """A step that an administrator has set, until a time; the budget is not asked. camera_id: None for all cameras.

    by, name: who set it, as of an answer. at: when. A camera's own stands before one for all.
    """

    camera_id: str | None
    step: BudgetStep
    until: datetime
    by: str
    name: str | None
    at: datetime

    def holds(self, at: datetime) -> bool:
        return at < self.until


class ChangeKind(StrEnum):
    NEARS = "nears"
    GIVES_UP = "gives-up"
    TAKES_BACK = "takes-back"


@dataclass(frozen=True, slots=True)
class BudgetChange:
    """What one decision did to some cameras at once. camera_ids: in the order of the site file.

    cause: whose budget; SET where an administrator's step began or ended. until: when the period ends, or what was
    set. The amounts are the budget's at that moment, None where it was not asked; set_aside_usd: with the reserve.
    """

    at: datetime
    kind: ChangeKind
    cause: BudgetCause
    camera_ids: tuple[str, ...]
    before: BudgetStep
    after: BudgetStep
    until: datetime
    budget_usd: float | None = None
    spent_usd: float | None = None
    set_aside_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Untold:
    """owed: ids of contacts who are still to be told."""

    change: BudgetChange
    owed: tuple[str, ...]


Noticed = tuple[BudgetCause, str, datetime]
"""A budget's cause, its camera (none: the site) and the end of its period."""


@dataclass(frozen=True, slots=True)
class BudgetState:
    """by_camera: those that are not at FULL, or that somebody has set there. decided_at: when it last changed.

    noticed: budgets of whose nearing a change was made. boxes: what was last written for each box beside the cameras
    that is asked for anything, as a digest. version: counts writes; 0: not yet stored.
    """

    by_camera: Mapping[str, CameraStep] = field(default_factory=dict)
    decided_at: datetime | None = None
    noticed: frozenset[Noticed] = frozenset()
    untold: tuple[Untold, ...] = ()
    boxes: Mapping[str, str] = field(default_factory=dict)
    version: int = 0

    def step_of(self, camera_id: str, at: datetime) -> BudgetStep:
        """FULL once its time is over: should nobody decide any more, nothing stays given up for ever."""
        found = self.held_by(camera_id, at)
        return BudgetStep.FULL if found is None else found.step

    def held_by(self, camera_id: str, at: datetime) -> CameraStep | None:
        """The step with its reason, while its time is not over; perhaps FULL, where somebody has set that."""
        found = self.by_camera.get(camera_id)
        return found if found is not None and at < found.until else None


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """One budget in the period that it is. camera_id: None for the site's.

    committed_usd: what is paid until `until` though nothing were analysed. reserve_usd: for critical cameras alone.
    """

    cause: BudgetCause
    camera_id: str | None
    budget_usd: float
    reserve_usd: float
    spent_usd: float
    committed_usd: float
    until: datetime

    @property
    def share(self) -> float:
        """Used, of what there is for ordinary cameras; more than 1 where the reserve is being used."""
        return (self.spent_usd + self.committed_usd) / (self.budget_usd - self.reserve_usd)

    def share_for(self, camera: Camera) -> float:
        """Used, of what is this camera's to use: of a critical one the reserve, where there is one."""
        if not camera.critical or self.reserve_usd == 0:
            return self.share
        beyond = self.spent_usd + self.committed_usd - (self.budget_usd - self.reserve_usd)
        return max(beyond, 0.0) / self.reserve_usd

    def holds_for(self, camera_id: str) -> bool:
        return self.camera_id is None or self.camera_id == camera_id

    @property
    def set_aside_usd(self) -> float:
        return self.committed_usd + self.reserve_usd

    @property
    def noticed(self) -> Noticed:
        return self.cause, self.camera_id or "", self.until


@dataclass(frozen=True, slots=True)
class Decision:
    state: BudgetState
    changes: tuple[BudgetChange, ...] = ()


def step_begins_at(step: BudgetStep, notice_at: float) -> float:
    """The share at which it is taken: they follow the notice, evenly, up to LAST_STEP_AT."""
    return notice_at + (LAST_STEP_AT - notice_at) * step / BudgetStep.KEEP_ONLY


def day_of_budget(now: datetime, zone: BaseTzInfo) -> tuple[date, datetime]:
    """The site's day, and when it ends: 23 to 25 hours after it began."""
    today = day_in(now, zone)
    return today, day_start(today + _DAY, zone)


def month_of_budget(now: datetime, zone: BaseTzInfo) -> tuple[date, datetime]:
    """The first day of the site's month, and when the month ends."""
    first = day_in(now, zone).replace(day=1)
    return first, day_start((first + 31 * _DAY).replace(day=1), zone)


def budget_uses(site: SiteConfig, spend: Spend, now: datetime) -> list[BudgetUse]:
    """The site's first, months before days. What was spent in a day or month that is over counts for none."""
    zone = pytz.timezone(site.site.time_zone)
    (today, day_ends), (month, month_ends) = day_of_budget(now, zone), month_of_budget(now, zone)
    this_month, this_day = float(spend.month == month), float(spend.day == today)
    hours_left = (month_ends - now) / HOUR, (day_ends - now) / HOUR

    def of_one(camera_id: str | None, budget: CameraBudget | Budget, usd: float, reserve: float) -> list[BudgetUse]:
        """usd: what an hour costs though nothing is analysed."""
        spent = spend if camera_id is None else spend.by_camera[camera_id]
        monthly, daily = _CAUSES if camera_id is None else _CAMERAS_CAUSES
        asked = (
            (monthly, budget.per_month_usd, spent.month_usd * this_month, usd * hours_left[0], month_ends),
            (daily, budget.per_day_usd, spent.today_usd * this_day, usd * hours_left[1], day_ends),
        )
        return [
            BudgetUse(cause, camera_id, amount, amount * reserve, used, committed, ends)
            for cause, amount, used, committed, ends in asked
            if amount is not None
        ]

    frames_per_day = sum(c.frames_per_day for c in spend.by_camera.values())
    usd_per_hour = spend.standing_usd_per_hour + frames_per_day * spend.usd_per_kept_frame / 24
    found = of_one(None, site.budget, usd_per_hour, site.budget.reserve_share if site.has_reserve else 0.0)
    for camera in site.cameras:
        if camera.budget is not None and (spent := spend.by_camera.get(camera.id)) is not None:
            part = spent.frames_per_day / frames_per_day if frames_per_day else 1 / len(site.cameras)
            found += of_one(camera.id, camera.budget, part * usd_per_hour, 0.0)
    return found


_CAUSES = BudgetCause.SITE_MONTH, BudgetCause.SITE_DAY
_CAMERAS_CAUSES = BudgetCause.CAMERA_MONTH, BudgetCause.CAMERA_DAY


def decide_budget(
    before: BudgetState,
    uses: Sequence[BudgetUse] | None,
    pins: Sequence[BudgetPin],
    site: SiteConfig,
    now: datetime,
) -> Decision:
    """The state to write, at the version that was read, and what has changed; the state as it was where nothing has.

    uses: None while they are not known: then what the budgets decided before holds on until its time.
    """
    set_by = {pin.camera_id: pin for pin in pins if pin.holds(now)}
    after: dict[str, CameraStep] = {}
    for camera in site.cameras:
        held = before.by_camera.get(camera.id)
        pin = set_by.get(camera.id, set_by.get(None))
        if pin is not None:
            found: CameraStep | None = CameraStep(pin.step, BudgetCause.SET, now, pin.until)
        elif uses is None:
            found = held if held and held.cause is not BudgetCause.SET and now < held.until else None
        else:
            found = _decided(camera, held, uses, site.budget.notice_at, now)
        if found is not None:
            since = held.since if held is not None and held.step is found.step else now
            after[camera.id] = replace(found, since=since)
    by_budget = {(use.cause, use.camera_id): use for use in uses or ()}
    changes = tuple(_changes(before.by_camera, after, by_budget, site, now))
    noticed: frozenset[Noticed] = before.noticed
    notices: tuple[BudgetChange, ...] = ()
    if uses is not None:
        noticed, notices = _notices(before.noticed, uses, site, now)
    state = replace(before, by_camera=after, noticed=noticed)
    return Decision(state, (*notices, *changes))


def _decided(
    camera: Camera, held: CameraStep | None, uses: Sequence[BudgetUse], notice_at: float, now: datetime
) -> CameraStep | None:
    """By the budget that asks for most; of two that ask for the same, the one that asks for longer."""
    asked = []
    for use in uses:
        if use.holds_for(camera.id):
            same = held is not None and (held.cause, held.until) == (use.cause, use.until)
            step = _step(use.share_for(camera), held.step if held and same else BudgetStep.FULL, notice_at)
            if step > BudgetStep.FULL:
                asked.append(CameraStep(step, use.cause, now, use.until))
    return max(asked, key=lambda found: (found.step, found.until), default=None)


def _step(share: float, before: BudgetStep, notice_at: float) -> BudgetStep:
    step = before
    while step > BudgetStep.FULL and share < step_begins_at(step, notice_at) - HYSTERESIS:
        step = BudgetStep(step - 1)
    while step < BudgetStep.KEEP_ONLY and share >= step_begins_at(BudgetStep(step + 1), notice_at):
        step = BudgetStep(step + 1)
    return step


def _changes(
    before: Mapping[str, CameraStep],
    after: Mapping[str, CameraStep],
    by_budget: Mapping[tuple[BudgetCause, str | None], BudgetUse],
    site: SiteConfig,
    now: datetime,
) -> Iterator[BudgetChange]:
    """Those that change alike are one. A camera that has left the site file changes nothing."""
    grouped: dict[tuple[BudgetStep, BudgetStep, BudgetCause, datetime], list[str]] = {}
    for camera in site.cameras:
        old, new = before.get(camera.id), after.get(camera.id)
        was, is_now = (held.step if held else BudgetStep.FULL for held in (old, new))
        if was is not is_now:
            # What is taken back is told as of whom it was given up for.
            taken_back = old is not None and (new is None or (is_now < was and new.cause is not BudgetCause.SET))
            by = old if taken_back else new
            assert by is not None  # noqa: S101  one of the two is not at FULL
            grouped.setdefault((was, is_now, by.cause, by.until), []).append(camera.id)
    for (was, is_now, cause, until), ids in grouped.items():
        use = by_budget.get((cause, ids[0] if cause.is_cameras else None))
        kind = ChangeKind.GIVES_UP if is_now > was else ChangeKind.TAKES_BACK
        yield _with_amounts(BudgetChange(now, kind, cause, tuple(ids), was, is_now, until), use)


def _notices(
    before: frozenset[Noticed], uses: Sequence[BudgetUse], site: SiteConfig, now: datetime
) -> tuple[frozenset[Noticed], tuple[BudgetChange, ...]]:
    """Once in a period, unless the share has fallen meanwhile; none where a step is taken at once."""
    notice_at = site.budget.notice_at
    noticed, found = set(), []
    for use in uses:
        known = use.noticed in before
        if use.share < notice_at - (HYSTERESIS if known else 0):
            continue
        noticed.add(use.noticed)
        full = BudgetStep.FULL
        if not known and use.share < step_begins_at(BudgetStep.SLOWER, notice_at):
            ids = (use.camera_id,) if use.camera_id is not None else tuple(c.id for c in site.cameras)
            change = BudgetChange(now, ChangeKind.NEARS, use.cause, ids, full, full, use.until)
            found.append(_with_amounts(change, use))
    return frozenset(noticed), tuple(found)


def _with_amounts(change: BudgetChange, use: BudgetUse | None) -> BudgetChange:
    if use is None:
        return change
    return replace(change, budget_usd=use.budget_usd, spent_usd=use.spent_usd, set_aside_usd=use.set_aside_usd)
