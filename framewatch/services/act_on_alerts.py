"""What somebody who is signed in does about alerts: answers, notes, and the end of a snooze.

Every action is kept with who and when. The same again changes nothing but that a snooze is counted from now.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from framewatch.domain.access import Caller
from framewatch.domain.alerts import MAX_NOTES, Alert, AlertRef, Answer, AnswerKind, Note
from framewatch.domain.errors import UnknownAlert, UnknownSnooze
from framewatch.domain.rule_state import RuleState
from framewatch.domain.site import SiteConfig
from framewatch.services.answer_alerts import snooze
from framewatch.services.ports import AlertTable, Clock, SiteSource
from framewatch.services.tally import retry_conflicts
from framewatch.wire.api_actions import (
    DEFAULT_SNOOZE_MIN,
    AnsweredView,
    AnswerRequest,
    EndSnoozeRequest,
    NoteRequest,
    SnoozeEndView,
)
from framewatch.wire.api_alerts import AlertView
from framewatch.wire.api_people import AnswerView, PersonView

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ActDeps:
    site: SiteSource
    alerts: AlertTable
    clock: Clock
    sleep: Callable[[float], None] = time.sleep


def answer_alert(request: AnswerRequest, caller: Caller, deps: ActDeps) -> AnsweredView:
    """Nobody further is told of the alert. Raises UnknownAlert, RetryableError; after the last, again finishes it."""
    site, now = deps.site.current(), deps.clock.now()
    _check_camera(request.ref, site)
    answer = Answer(caller.by, now, caller.name)
    # Before the snooze: should that fail, at least nobody further is told.
    stands = retry_conflicts(lambda: deps.alerts.answer(request.ref, request.kind, answer), deps.sleep)
    alert = _read(request.ref, deps)
    snoozed: RuleState | None = None
    if request.kind is AnswerKind.SNOOZED:
        snoozed = snooze(
            alert,
            caller.by,
            deps.alerts,
            until=now + timedelta(minutes=request.minutes or DEFAULT_SNOOZE_MIN),
            expires_at=_expires_at(site, deps),
            name=caller.name,
            sleep=deps.sleep,
        )
    _log.info("alert %s: %s by %s, stands since %s", alert.alert_id, request.kind, caller.by, stands.at.isoformat())
    return AnsweredView(
        answer=AnswerView.given(request.kind, stands, caller),
        snoozed_until=snoozed.snoozed_until if snoozed is not None else None,
        alert=_view(alert, site, caller),
    )


def note_alert(request: NoteRequest, caller: Caller, deps: ActDeps) -> AlertView:
    """Raises UnknownAlert, NotesFull, RetryableError."""
    site = deps.site.current()
    _check_camera(request.ref, site)
    note = Note(request.text, caller.by, deps.clock.now(), caller.name)
    deps.alerts.add_note(request.ref, note, MAX_NOTES)
    _log.info("alert %s: a note by %s", request.alert_id, caller.by)
    return _view(_read(request.ref, deps), site, caller)


def end_snooze(request: EndSnoozeRequest, caller: Caller, deps: ActDeps) -> SnoozeEndView:
    """The rule texts again from now on. Of one that is over already, who or what ended it.

    Raises UnknownSnooze, RetryableError.
    """
    site = deps.site.current()
    never = f"rule {request.rule} has never been snoozed on {request.scope}; see GET /v1/snoozes"
    if not any(camera.alert_scope == request.scope for camera in site.cameras):
        raise UnknownSnooze(never)

    def attempt() -> RuleState:
        state, now = deps.alerts.rule_state(request.rule, request.scope), deps.clock.now()
        if not state.is_snoozed(now):
            return state
        ended = replace(state, snoozed_until=now, snooze_ended=Answer(caller.by, now, caller.name))
        deps.alerts.put_rule_state(ended, _expires_at(site, deps))
        _log.info("rule %s on %s: its snooze was ended by %s", request.rule, request.scope, caller.by)
        return ended

    state = retry_conflicts(attempt, deps.sleep)
    if state.snoozed_until is None:
        raise UnknownSnooze(never)
    return SnoozeEndView(
        rule_id=state.rule_id,
        scope=state.scope,
        over_since=state.snoozed_until,
        ended_by=PersonView.person(state.snooze_ended, caller) if state.snooze_ended is not None else None,
    )


def _check_camera(ref: AlertRef, site: SiteConfig) -> None:
    """Nothing is written about a camera that the caller may not see. Raises UnknownAlert."""
    if site.camera(ref.camera_id) is None:
        raise _unknown(ref)


def _read(ref: AlertRef, deps: ActDeps) -> Alert:
    alert = deps.alerts.get(ref)
    if alert is None:
        raise _unknown(ref)
    return alert


def _unknown(ref: AlertRef) -> UnknownAlert:
    return UnknownAlert(f"camera {ref.camera_id} has no alert {ref.alert_id!r} any more")


def _view(alert: Alert, site: SiteConfig, caller: Caller) -> AlertView:
    # No link to the picture: who acts has it on the page, and this function may read none.
    names = {camera.id: camera.display_name for camera in site.cameras}
    return AlertView.of(alert, camera_names=names, image_url=None, image_url_expires_at=None, you=caller)


def _expires_at(site: SiteConfig, deps: ActDeps) -> datetime:
    return deps.clock.now() + timedelta(days=site.retention.metadata_days)
