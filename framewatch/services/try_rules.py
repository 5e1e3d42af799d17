"""What a site file's rules would have made of frames: the code that watches for real, on a clock that follows them.

Nothing is sent, and nothing is written but into tables that are given for it. Frames are judged one by one, each at
the moment it was captured; in between comes whatever the watchdog would have done: the next contact of an alert that
nobody has answered, and digests.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from framewatch.domain.alert_settings import Alerts
from framewatch.domain.alerts import Alert, Delivery
from framewatch.domain.errors import InvalidQuery
from framewatch.domain.site import SiteConfig
from framewatch.domain.visits import Visit
from framewatch.services.follow_visits import find_presences, follow_presence
from framewatch.services.list_alerts import withheld_rows
from framewatch.services.ports import AlertTable, Clock, VisitTable
from framewatch.services.send_alerts import TOKEN_LENGTH, SendDeps, continue_alert
from framewatch.services.send_digests import send_digests
from framewatch.services.tally import Tally
from framewatch.wire.alert_message import AlertMessage
from framewatch.wire.api_alerts import JoinedView, WithheldView
from framewatch.wire.frame_items import StoredFrame
from framewatch.wire.items import day_of
from framewatch.wire.timeline import Timeline, TriedAlert, TriedDigest, TriedText, TriedVisit

_MINUTE = timedelta(minutes=1)
_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)
# A digest follows a day after the one before at the latest.
_DIGESTS_END = timedelta(hours=25)


@dataclass(frozen=True, slots=True)
class TrialTables:
    """Empty ones, whose content is thrown away."""

    visits: VisitTable
    alerts: AlertTable


def try_rules(
    frames: Iterable[StoredFrame],
    site: SiteConfig,
    tables: TrialTables,
    *,
    link_base_url: str | None = None,
    max_alerts: int | None = None,
) -> Timeline:
    """frames: in any order, each once; those of cameras that the site does not have are passed over.

    link_base_url: where the links in texts lead, unless the site file says so. Raises InvalidQuery for more than
    max_alerts: seeing them all through takes longer than somebody waits.
    """
    known = {camera.id for camera in site.cameras}
    ordered = sorted((f for f in frames if f.camera_id in known), key=lambda f: f.sort_key)
    trial = _Trial(site, tables, link_base_url)
    for frame in ordered:
        trial.see(frame)
        if max_alerts is not None and trial.alerts > max_alerts:
            raise InvalidQuery(
                f"from: gives more than {max_alerts} alerts; give a shorter span, one camera, or stricter rules"
            )
    if ordered:
        trial.end()
    return trial.timeline(ordered)


@dataclass(slots=True)
class _TrialClock:
    at: datetime = _BEFORE_ALL

    def now(self) -> datetime:
        return self.at


@dataclass(frozen=True, slots=True)
class _Sent:
    at: datetime
    phone: str | None
    words: str


@dataclass(slots=True)
class _Recorder:
    """A TextSender and a TopicPublisher that keep what they are given. A message id is its place in `sent`."""

    clock: Clock
    sent: list[_Sent] = field(default_factory=list)

    def send(self, phone: str, text: str, settings: Alerts) -> str:  # noqa: ARG002
        return self._keep(phone, text)

    def has_opted_out(self, phone: str) -> bool:  # noqa: ARG002
        return False

    def publish(self, message: AlertMessage, text: str) -> str:  # noqa: ARG002
        return self._keep(None, text)

    def _keep(self, phone: str | None, words: str) -> str:
        self.sent.append(_Sent(self.clock.now(), phone, words))
        return str(len(self.sent) - 1)


@dataclass(frozen=True, slots=True)
class _FollowDeps:
    visits: VisitTable
    alerts: AlertTable
    sending: SendDeps
    clock: Clock
    sleep: Callable[[float], None]


class _Trial:
    def __init__(self, site: SiteConfig, tables: TrialTables, link_base_url: str | None):
        self._site = site
        self._tables = tables
        self._clock = _TrialClock()
        self._recorder = _Recorder(self._clock)
        self._digests: list[_Sent] = []
        self._tally = Tally()
        self._sending = SendDeps(
            alerts=tables.alerts,
            texts=self._recorder,
            topic=self._recorder,
            clock=self._clock,
            link_base_url=link_base_url,
            new_token=map(f"{{:0{TOKEN_LENGTH}}}".format, count(1)).__next__,  # as long as a real one; opens nothing
            sleep=_no_sleep,
        )

    @property
    def alerts(self) -> int:
        """How many there have been."""
        counts = self._tally.counts
        return sum(counts.get(name, 0) for name in ("AlertsSent", "AlertsHeld", "AlertsFailed"))

    def see(self, frame: StoredFrame) -> None:
        self._watch_until(frame.captured_at)
        self._clock.at = frame.captured_at
        deps = _FollowDeps(self._tables.visits, self._tables.alerts, self._sending, self._clock, _no_sleep)
        for presence in find_presences([frame], (), self._site):
            for error in follow_presence(presence, self._site, deps, self._tally, _never_late).values():
                raise error

    def end(self) -> None:
        self._watch_until(self._clock.at + timedelta(hours=self._site.alerts.link_hours) + _DIGESTS_END)

    def _watch_until(self, at: datetime) -> None:
        """What the watchdog does before that moment, each when it is due."""
        while True:
            work, held = self._tables.alerts.open_work()
            due = [w.due_at for w in work]
            if held:
                due.append(self._clock.at.replace(second=0, microsecond=0) + _MINUTE)
            if not due or (next_at := max(min(due), self._clock.at)) >= at:
                return
            self._clock.at = next_at
            for one in work:
                continue_alert(one, self._site, self._sending, self._tally)
            before = len(self._recorder.sent)
            send_digests(self._site, self._sending, self._tally, lambda: float("inf"))
            self._digests += self._recorder.sent[before:]

    # -- what came of it ----------------------------------------------------------------------------------------

    def timeline(self, frames: list[StoredFrame]) -> Timeline:
        places = [(c.id, day) for c in self._site.cameras for day in sorted({day_of(f.captured_at) for f in frames})]
        visits = [v for place in places for _, v in self._tables.visits.newest_first(*place)]
        alerts = [a for place in places for _, a in self._tables.alerts.newest_first(*place)]
        visits.sort(key=lambda v: (v.first_seen, v.visit_id))
        alerts.sort(key=lambda a: (a.captured_at, a.alert_id))
        withheld = [
            WithheldView.of(visit, rule_id, reason, row, self._name(visit.camera_id))
            for visit in visits
            for rule_id, reason, row in withheld_rows(visit)
        ]
        return Timeline(
            frames=len(frames),
            visits=tuple(self._visit(v) for v in visits),
            alerts=tuple(self._alert(a) for a in alerts),
            digests=tuple(self._digest(d) for d in self._digests),
            withheld=tuple(sorted(withheld, key=lambda w: (w.first_at, w.visit_id, w.rule_id, w.reason))),
        )

    def _visit(self, visit: Visit) -> TriedVisit:
        return TriedVisit(
            visit_id=visit.visit_id,
            camera_id=visit.camera_id,
            camera_name=self._name(visit.camera_id),
            label=visit.label,
            first_seen=visit.first_seen,
            last_seen=visit.last_seen,
            frames=visit.frame_count,
            best_confidence=visit.best.confidence,
            best_frame_id=visit.best.frame_id,
        )

    def _alert(self, alert: Alert) -> TriedAlert:
        deliveries = sorted(alert.deliveries.items(), key=lambda d: (d[1].at, alert.contact_ids.index(d[0])))
        return TriedAlert(
            alert_id=alert.alert_id,
            rule_id=alert.rule_id,
            severity=alert.severity,
            visit_id=alert.visit_id,
            camera_id=alert.camera_id,
            camera_name=self._name(alert.camera_id),
            label=alert.label,
            confidence=alert.confidence,
            captured_at=alert.captured_at,
            frame_id=alert.frame_id,
            box_xyxy_rel=alert.box_xyxy_rel,
            texts=tuple(self._text(alert, contact_id, delivery) for contact_id, delivery in deliveries),
            joined=tuple(
                JoinedView.of(s, self._name(s.camera_id))
                for s in sorted(alert.joined.values(), key=lambda s: (s.captured_at, s.visit_id))
            ),
        )

    def _text(self, alert: Alert, contact_id: str, delivery: Delivery) -> TriedText:
        sent = self._recorder.sent[int(delivery.message_id)] if delivery.message_id is not None else None
        return TriedText(
            at=delivery.at,
            contact_id=contact_id,
            state=delivery.state,
            escalation=0 if contact_id in alert.notify else alert.escalate_to.index(contact_id) + 1,
            words=sent.words if sent else None,
            reason=delivery.reason,
        )

    def _digest(self, sent: _Sent) -> TriedDigest:
        contact_id = next(c.id for c in self._site.all_contacts if c.phone == sent.phone)
        return TriedDigest(at=sent.at, contact_id=contact_id, words=sent.words)

    def _name(self, camera_id: str) -> str:
        camera = self._site.camera(camera_id)
        return camera.display_name if camera else camera_id


def _no_sleep(seconds: float) -> None:
    """Nobody else writes: there is nothing to wait for."""


def _never_late() -> None:
    """There is always time for another step."""
