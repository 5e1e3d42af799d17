"""Keeps what the site costs within its budgets: decides once a minute who gives what up, and tells it.

What is decided is stored first, with the change, under the version that was read: of two who decide at once, one is
refused. Boxes beside the cameras are told next, then people; both are owed until it is written that they were, so
that what fails is tried again a minute later. A text is sent before that is written: a crash in between repeats it.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

import pytz

from framewatch.domain.budget import (
    SLOWER_BY,
    BudgetCause,
    BudgetChange,
    BudgetState,
    BudgetStep,
    BudgetUse,
    Untold,
    budget_uses,
    decide_budget,
)
from framewatch.domain.edge_control import EdgeControl
from framewatch.domain.errors import (
    FramewatchError,
    NotificationRejected,
    NotificationUnavailable,
    RetryableError,
    WriteConflict,
)
from framewatch.domain.limits import admit
from framewatch.domain.site import SiteConfig
from framewatch.domain.spend import Spend
from framewatch.services.ports import Clock, HeartbeatTable, TroubleTable
from framewatch.services.ports_cost import BoxControls, BudgetTable
from framewatch.services.send_alerts import SendDeps
from framewatch.services.tally import Tally, retry_conflicts
from framewatch.wire.budget_text import budget_text

_log = logging.getLogger(__name__)

# What was used is summed up every ten minutes; asked for more often it says nothing new.
SPEND_EVERY = timedelta(minutes=5)
# A box asks once a minute: long enough for each to read that nothing is asked of it any more.
_RELEASED_FOR = timedelta(hours=1)
# News that could not be told for so long is told by the dashboard alone.
_NEWS_FOR = timedelta(days=1)
# The clocks of two machines, and an end that comes a moment late.
_TURN_MARGIN = timedelta(seconds=5)
# Enough for one text; with less, it would be cut off in the middle.
FINISH_S = 5.0


class SpendSource(Protocol):
    def __call__(self, site: SiteConfig, now: datetime) -> Spend:
        """Raises RetryableError, and PriceMissing."""
        ...


@dataclass(slots=True)
class RecentSpend:
    """A SpendSource that asks another every SPEND_EVERY, and when the site's day is another."""

    source: SpendSource
    _last: Spend | None = field(default=None, init=False)
    _asked_at: datetime | None = field(default=None, init=False)

    def __call__(self, site: SiteConfig, now: datetime) -> Spend:
        today = now.astimezone(pytz.timezone(site.site.time_zone)).date()
        fresh = self._asked_at is not None and timedelta() <= now - self._asked_at < SPEND_EVERY
        if self._last is None or not fresh or self._last.day != today:
            self._last, self._asked_at = self.source(site, now), now
        return self._last


@dataclass(frozen=True, slots=True)
class BudgetDeps:
    table: BudgetTable
    spend: SpendSource
    heartbeats: HeartbeatTable
    controls: BoxControls
    troubles: TroubleTable
    sending: SendDeps

    @property
    def clock(self) -> Clock:
        return self.sending.clock


def hold_budget(site: SiteConfig, deps: BudgetDeps, tally: Tally, remaining_s: Callable[[], float]) -> None:
    """Raises the RetryableError of what failed, after trying the rest."""
    _Pass(site, deps, tally, remaining_s).run()


class _Pass:
    def __init__(self, site: SiteConfig, deps: BudgetDeps, tally: Tally, remaining_s: Callable[[], float]):
        self._site = site
        self._deps = deps
        self._tally = tally
        self._remaining_s = remaining_s
        self._now = deps.clock.now()
        self._failed: RetryableError | None = None

    def run(self) -> None:
        before = self._deps.table.state()
        try:
            state = self._decide(before)
            state = self._tell_boxes(state)
            self._tell_people(state)
        except WriteConflict as conflict:
            _log.info("somebody else looks after the budget at this moment: %s", conflict)
        if self._failed is not None:
            raise self._failed

    def _decide(self, before: BudgetState) -> BudgetState:
        """The state as it is stored now."""
        pins = self._deps.table.pins()
        decision = decide_budget(before, self._uses(), pins, self._site, self._now)
        if decision.state == before and not decision.changes:
            return before
        for change in decision.changes:
            _log_change(change)
        self._tally.count("BudgetChanges", len(decision.changes))
        untold = tuple(Untold(change, self._site.budget_contacts) for change in decision.changes)
        return self._put(replace(decision.state, untold=(*before.untold, *untold)), decision.changes)

    def _uses(self) -> list[BudgetUse] | None:
        if not self._site.has_budget:
            return []
        try:
            return budget_uses(self._site, self._deps.spend(self._site, self._now), self._now)
        except FramewatchError as error:
            _log.warning("what was spent is not known, what was decided holds: %s", error)
            self._failed = RetryableError(f"what was spent is not known: {error}")
            return None

    def _put(self, state: BudgetState, changes: Sequence[BudgetChange] = ()) -> BudgetState:
        state = replace(state, decided_at=self._now if changes else state.decided_at)
        # Nobody may forget what still holds, however short things are kept.
        last = max((held.until for held in state.by_camera.values()), default=self._now)
        expires_at = max(last, self._now) + timedelta(days=self._site.retention.metadata_days)
        self._deps.table.put_state(state, expires_at, changes)
        return replace(state, version=state.version + 1)

    def _tell_boxes(self, state: BudgetState) -> BudgetState:
        """Each that is asked for something else than what was written last; not again while that stands."""
        slowed = {
            camera_id: held.until
            for camera_id, held in state.by_camera.items()
            if held.step >= BudgetStep.SLOWER and held.until > self._now
        }
        if not slowed and not state.boxes:
            return state
        cameras_of: dict[str, set[str]] = {box: set() for box in state.boxes}
        for beat in self._deps.heartbeats.newest():
            cameras_of.setdefault(beat.box, set()).add(beat.camera_id)
        boxes = dict(state.boxes)
        for box, cameras in cameras_of.items():
            asked = {camera_id: until for camera_id, until in slowed.items() if camera_id in cameras}
            if (digest := _digest(asked)) != boxes.get(box, ""):
                # The one whose time is over first ends all of it; by then the next decision has been written.
                until = min(asked.values(), default=self._now + _RELEASED_FOR)
                control = EdgeControl(self._now, until, dict.fromkeys(asked, SLOWER_BY))
                try:
                    self._deps.controls.put(box, control)
                except FramewatchError as error:
                    _log.error("the box %s does not learn how often to sample: %s", box, error)
                    self._failed = self._failed or RetryableError(str(error))
                    continue
                boxes[box] = digest
                _log.info("box %s: %d cameras sample %dx less often", box, len(asked), SLOWER_BY)
        boxes = {box: digest for box, digest in boxes.items() if digest}
        return state if boxes == state.boxes else self._put(replace(state, boxes=boxes))

    def _tell_people(self, state: BudgetState) -> None:
        if not state.untold:
            return
        until = self._now + timedelta(seconds=self._remaining_s()) + _TURN_MARGIN
        if not self._deps.troubles.take_turn(self._now, until):
            _log.info("somebody else tells at this moment")
            return
        try:
            # Perhaps they told this, too.
            state = self._deps.table.state()
            untold = state.untold
            for contact_id in dict.fromkeys(c for news in untold for c in news.owed):
                owed = [news.change for news in untold if contact_id in news.owed]
                if self._tell(contact_id, owed):
                    untold = tuple(replace(n, owed=tuple(c for c in n.owed if c != contact_id)) for n in untold)
            left = tuple(n for n in untold if n.owed and self._now - n.change.at < _NEWS_FOR)
            if left != state.untold:
                self._put(replace(state, untold=left))
        finally:
            self._deps.troubles.end_turn(self._deps.clock.now(), until)

    def _tell(self, contact_id: str, changes: Sequence[BudgetChange]) -> bool:
        """Whether the contact has been told, or never can be."""
        contact = self._site.contact(contact_id)
        if contact is None or contact.phone is None:
            return True
        # News of the whole site come a few times in a period; those of single cameras may be many.
        if self._remaining_s() < FINISH_S or not self._count_text(
            contact_id, passes=any(not change.cause.is_cameras for change in changes)
        ):
            return False
        text = budget_text(
            changes=changes,
            names={camera.id: camera.display_name for camera in self._site.cameras},
            now=self._now,
            time_zone=pytz.timezone(self._site.site.time_zone),
            site_name=self._site.site.name,
        )
        try:
            self._deps.sending.texts.send(contact.phone, text, self._site.alerts)
        except NotificationRejected as error:
            _log.error("budget: %s", error, extra={"contact": contact_id})
            self._tally.count("TextsRejected")
        except RetryableError as error:
            if isinstance(error, NotificationUnavailable):
                self._tally.count("TextErrors")
            _log.warning("budget: %s", error, extra={"contact": contact_id})
            self._failed = error
            return False
        else:
            self._tally.count("TextsSent")
        return True

    def _count_text(self, contact_id: str, *, passes: bool) -> bool:
        """Before the text. False where a limit holds it back; then it waits for a later minute."""
        alerts = self._deps.sending.alerts
        limits = self._site.limits.model_copy(update={"critical_passes": True})
        zone = pytz.timezone(self._site.site.time_zone)

        def attempt() -> bool:
            after, hit = admit(alerts.limit_state(), contact_id, self._now, limits, zone, critical=passes)
            if hit is None:
                expires_at = self._now + timedelta(days=self._site.retention.metadata_days)
                alerts.put_limit_state(after, expires_at)
            return hit is None

        return retry_conflicts(attempt, self._deps.sending.sleep)


def _digest(asked: Mapping[str, datetime]) -> str:
    """Of what a box is asked for; of nothing, nothing."""
    if not asked:
        return ""
    text = ";".join(f"{camera_id}={until.isoformat()}" for camera_id, until in sorted(asked.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _log_change(change: BudgetChange) -> None:
    log = _log.info if change.cause is BudgetCause.SET else _log.warning
    log(
        "budget (%s) %s: %d cameras from %s to %s until %s; %s",
        change.cause,
        change.kind,
        len(change.camera_ids),
        change.before.name,
        change.after.name,
        change.until.isoformat(),
        _amounts(change),
        extra={"cameras": list(change.camera_ids[:20])},
    )


def _amounts(change: BudgetChange) -> str:
    if change.budget_usd is None:
        return "no budget was asked"
    spent, aside = change.spent_usd or 0, change.set_aside_usd or 0
    return f"{spent:.2f} of {change.budget_usd:.2f} USD spent, {aside:.2f} set aside"
