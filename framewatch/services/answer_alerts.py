"""What the link in a text opens: one alert, for one contact, and the answers that it takes.

Looking changes nothing, for whatever previews links looks too. Nobody who guesses learns anything: what was never a
link, what was revoked, and what leads to an alert or a contact that is gone are refused in the same words. Only an
expired link says so, for its token is too long to guess: who holds it was sent it, and should know why it is shut.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from framewatch.domain.alert_settings import WATCH_CONTACT_ID
from framewatch.domain.alerts import Alert, AlertLink, Answer, AnswerKind
from framewatch.domain.errors import LinkExpired, LinkRefused, LinkUsedUp, UnknownAlert
from framewatch.domain.frames import BoxXYXYRel
from framewatch.domain.rule_state import RuleState
from framewatch.domain.site import SiteConfig
from framewatch.domain.visits import VisitSighting
from framewatch.services.ports import AlertTable, Clock, ImageStore, SiteSource, VisitTable
from framewatch.services.send_alerts import TOKEN_LENGTH
from framewatch.services.tally import retry_conflicts
from framewatch.wire.items import image_key_of

SNOOZE = timedelta(minutes=30)
MAX_USES = 20
"""Answers that one link takes: more than anybody needs, and few enough that it can keep nothing busy."""

# `\\Z` and not `$`, which also holds before a line break.
_TOKEN = re.compile(rf"[A-Za-z0-9]{{{TOKEN_LENGTH}}}\Z")
_OPENS_NOTHING = "This link opens nothing. Check that all of it was copied, or look for a newer text."
_USED_UP = f"This link takes no further answer: it has given {MAX_USES}. Answer in the dashboard instead."


@dataclass(frozen=True, slots=True)
class LinkDeps:
    site: SiteSource
    alerts: AlertTable
    visits: VisitTable
    images: ImageStore
    clock: Clock
    image_url_ttl: timedelta
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Picture:
    """The frame that shows best what the visit was. url: None once the picture has outlived its time."""

    url: str | None
    captured_at: datetime
    confidence: float
    box_xyxy_rel: BoxXYXYRel | None


@dataclass(frozen=True, slots=True)
class AlsoSeen:
    """What another camera, or a further label, has added to the incident; captured_at: first."""

    place: str
    label: str
    captured_at: datetime


@dataclass(frozen=True, slots=True)
class Who:
    """Whoever did something. name: None for those whose name is not told to a contact. is_reader: it is they."""

    name: str | None
    is_reader: bool


@dataclass(frozen=True, slots=True)
class AlertPage:
    """Everything that the page shows, and nothing else of the site. Times are UTC; time_zone: IANA name.

    given: the first answer of each kind, oldest first. snoozed_until: None when the rule is not snoozed now.
    """

    label: str
    confidence: float
    place: str
    captured_at: datetime
    now: datetime
    time_zone: str
    frames_days: int
    picture: Picture
    also_seen: tuple[AlsoSeen, ...]
    given: tuple[tuple[AnswerKind, Who, datetime], ...]
    snoozed_until: datetime | None
    snoozed_by: Who | None


def open_link(token: str, deps: LinkDeps) -> AlertPage:
    """Changes nothing. Raises LinkRefused, LinkExpired, RetryableError."""
    link, alert, site = _open(token, deps)
    now = deps.clock.now()
    state = deps.alerts.rule_state(alert.rule_id, alert.scope)
    snoozed = state.is_snoozed(now)
    given = sorted(alert.answers.items(), key=lambda item: (item[1].at, item[0]))
    return AlertPage(
        label=alert.label,
        confidence=alert.confidence,
        place=_place(alert.camera_id, site),
        captured_at=alert.captured_at,
        now=now,
        time_zone=site.site.time_zone,
        frames_days=site.retention.frames_days,
        picture=_picture(alert, site, now, deps),
        also_seen=_also_seen(alert, site),
        given=tuple((kind, _who(answer.by, link, site), answer.at) for kind, answer in given),
        snoozed_until=state.snoozed_until if snoozed else None,
        snoozed_by=_who(state.snoozed_by, link, site) if snoozed and state.snoozed_by else None,
    )


def answer_link(token: str, kind: AnswerKind, deps: LinkDeps) -> Answer:
    """The answer of this kind that stands, perhaps another contact's. The same again does no harm.

    Raises LinkRefused, LinkExpired, LinkUsedUp, RetryableError; after the last, the same again finishes it.
    """
    link, alert, site = _open(token, deps)
    if not deps.alerts.use_link(token, MAX_USES):
        raise LinkUsedUp(_USED_UP)
    answer = Answer(link.contact_id, deps.clock.now())
    try:
        # Before the snooze: should that fail, at least nobody further is told.
        stands = retry_conflicts(lambda: deps.alerts.answer(alert.ref, kind, answer), deps.sleep)
    except UnknownAlert:
        raise LinkRefused(_OPENS_NOTHING) from None
    if kind is AnswerKind.SNOOZED:
        snooze(
            alert,
            answer.by,
            deps.alerts,
            until=answer.at + SNOOZE,
            expires_at=answer.at + timedelta(days=site.retention.metadata_days),
            sleep=deps.sleep,
        )
    return stands


def snooze(
    alert: Alert,
    by: str,
    alerts: AlertTable,
    *,
    until: datetime,
    expires_at: datetime,
    name: str | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> RuleState:
    """No texts of the alert's rule from its cameras until then; a longer snooze that is there already stands.

    by, name: as in Answer. expires_at: when the table may forget what the rule remembers.
    Returns what stands. Raises WriteConflict when others kept writing.
    """

    def attempt() -> RuleState:
        state = alerts.rule_state(alert.rule_id, alert.scope)
        if state.snoozed_until is not None and state.snoozed_until >= until:
            return state
        snoozed = replace(state, snoozed_until=until, snoozed_by=by, snoozed_name=name, snooze_ended=None)
        alerts.put_rule_state(snoozed, expires_at)
        return snoozed

    return retry_conflicts(attempt, sleep)


def _open(token: str, deps: LinkDeps) -> tuple[AlertLink, Alert, SiteConfig]:
    link = deps.alerts.link(token) if _TOKEN.match(token) else None
    if link is None or link.revoked:
        raise LinkRefused(_OPENS_NOTHING)
    site = deps.site.current()
    if site.contact(link.contact_id) is None:
        # Whoever was taken out of the site file should see nothing of it any more.
        raise LinkRefused(_OPENS_NOTHING)
    if deps.clock.now() >= link.expires_at:
        raise LinkExpired(
            f"This link was good for {_span(site.alerts.link_hours)}. Newer texts have links of their own."
        )
    alert = deps.alerts.get(link.ref)
    if alert is None:
        raise LinkRefused(_OPENS_NOTHING)
    return link, alert, site


def _span(hours: float) -> str:
    count, unit = (hours, "hour") if hours >= 1 else (round(hours * 60), "minute")
    return f"{count:g} {unit}" if count == 1 else f"{count:g} {unit}s"


def _picture(alert: Alert, site: SiteConfig, now: datetime, deps: LinkDeps) -> Picture:
    best = _best_sighting(alert, deps.visits)
    url = None
    if now < best.captured_at + timedelta(days=site.retention.frames_days):
        url = deps.images.url(image_key_of(alert.camera_id, best.captured_at, best.frame_id), deps.image_url_ttl)
    return Picture(url, best.captured_at, best.confidence, best.box_xyxy_rel)


def _best_sighting(alert: Alert, visits: VisitTable) -> VisitSighting:
    """Of the visit that holds the frame that alerted, whatever has been joined since; visits do not overlap."""
    at = alert.captured_at
    for visit in visits.near(alert.camera_id, alert.label, at, at, timedelta(0)):
        return visit.best
    return VisitSighting(alert.frame_id, at, alert.confidence, alert.box_xyxy_rel)


def _also_seen(alert: Alert, site: SiteConfig) -> tuple[AlsoSeen, ...]:
    """Each camera and label once, in the order of their first sighting."""
    first: dict[tuple[str, str], AlsoSeen] = {}
    for s in sorted(alert.joined.values(), key=lambda s: (s.captured_at, s.visit_id)):
        if (s.camera_id, s.label) != (alert.camera_id, alert.label):
            first.setdefault((s.camera_id, s.label), AlsoSeen(_place(s.camera_id, site), s.label, s.captured_at))
    return tuple(first.values())


def _place(camera_id: str, site: SiteConfig) -> str:
    camera = site.camera(camera_id)
    return camera.display_name if camera else camera_id


def _who(by: str, link: AlertLink, site: SiteConfig) -> Who:
    # The one number of a watch list has no name.
    contact = site.contact(by) if by != WATCH_CONTACT_ID else None
    return Who(contact.display_name if contact else None, by == link.contact_id)
