"""An alert on its way out: one text for each contact, the next contact while nobody answers, until it is closed.

What is written says how far it came: no delivery for a contact means that the contact is still to be told, and work
that is still open means that somebody must look again. Until the work is due the image processor sends; from then on
the watchdog does, which takes the work by moving the time at which it is due. So no two send at once.

The one window that remains lies between a publish and the write of its delivery: a crash there tells that contact
twice, for the other order could lose the text.
"""

import logging
import secrets
import string
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytz

from framewatch.domain.alert_settings import Contact, Severity
from framewatch.domain.alerts import Alert, AlertLink, Delivery, DeliveryState, OpenAlert
from framewatch.domain.errors import NotificationRejected, NotificationUnavailable, RetryableError, WriteConflict
from framewatch.domain.limits import Held, LimitHit, admit
from framewatch.domain.site import SiteConfig
from framewatch.domain.visits import AlertState
from framewatch.services.ports import AlertTable, Clock, TextSender, TopicPublisher
from framewatch.services.tally import Tally, retry_conflicts
from framewatch.wire.alert_message import AlertMessage
from framewatch.wire.sms import alert_text

_log = logging.getLogger(__name__)

PROCESSOR_OWNS = timedelta(seconds=60)
"""How long after the decision the work falls due: no invocation that has just decided needs as long to send."""
# The longest that telling one more contact takes, several times over.
_MARGIN = timedelta(seconds=15)
# How long the watchdog keeps what it has taken before it may be taken again: longer than one of its passes.
LEASE = timedelta(seconds=120)

TOKEN_CHARS = string.ascii_letters + string.digits
TOKEN_LENGTH = 20  # 119 bits


def new_token() -> str:
    return "".join(secrets.choice(TOKEN_CHARS) for _ in range(TOKEN_LENGTH))


@dataclass(frozen=True, slots=True)
class SendDeps:
    """link_base_url: of this deployment; the site file's comes before it. None: texts carry no link."""

    alerts: AlertTable
    texts: TextSender
    topic: TopicPublisher
    clock: Clock
    link_base_url: str | None
    new_token: Callable[[], str] = new_token
    sleep: Callable[[float], None] = time.sleep


def send_alert(alert: Alert, site: SiteConfig, deps: SendDeps, tally: Tally) -> None:
    """Tell whoever is to be told at once. What has fallen due meanwhile is the watchdog's.

    Raises the RetryableError of a contact who could not be told, after trying the others; the work stays open.
    """
    if deps.clock.now() > alert.decided_at + PROCESSOR_OWNS - _MARGIN:
        return
    # Read anew: more cameras may have joined, and an earlier try may have told some.
    found = deps.alerts.get(alert.ref)
    if found is not None:
        _Sending(found, site, deps, tally).run(OpenAlert(alert.ref, alert.decided_at + PROCESSOR_OWNS))


def continue_alert(work: OpenAlert, site: SiteConfig, deps: SendDeps, tally: Tally) -> None:
    """The watchdog's part: finish what was begun, or tell the next contact. Does nothing before the work is due.

    Raises RetryableError; then the work is due again when the lease is over.
    """
    now = deps.clock.now()
    if now < work.due_at:
        return
    alert = deps.alerts.get(work.ref)
    if alert is None or alert.answered or now - alert.decided_at > timedelta(hours=site.alerts.link_hours):
        deps.alerts.close(work.ref)
        return
    begun = (*alert.notify, *alert.escalate_to[: work.steps_told])
    unfinished = alert.state is AlertState.CLAIMED or any(c not in alert.deliveries for c in begun)
    steps = work.steps_told if unfinished else work.steps_told + 1
    taken = OpenAlert(work.ref, now + LEASE, steps)
    try:
        # The step is written before it is taken: after a crash it is finished, not taken again.
        deps.alerts.reschedule(work, taken)
    except WriteConflict:
        return  # somebody else is at it, or somebody has answered
    if not unfinished:
        tally.count("AlertsEscalated")
    _Sending(alert, site, deps, tally).run(taken)


class _Sending:
    def __init__(self, alert: Alert, site: SiteConfig, deps: SendDeps, tally: Tally):
        self._alert = alert
        self._site = site
        self._deps = deps
        self._tally = tally
        self._deliveries = dict(alert.deliveries)

    def run(self, work: OpenAlert) -> None:
        """Tell everybody whose turn has come and who has not been told; then say when the next one's comes."""
        alert, steps = self._alert, work.steps_told
        self._tell((*alert.notify, *alert.escalate_to[:steps]))
        # Whose number is dead will not answer: the next one need not wait.
        while not self._reached(steps) and steps < len(alert.escalate_to):
            steps += 1
            self._tell(alert.escalate_to[steps - 1 : steps])
        self._finish()
        if steps < len(alert.escalate_to):
            due_at = self._deps.clock.now() + timedelta(seconds=alert.escalate_after_s)
            try:
                self._deps.alerts.reschedule(work, OpenAlert(alert.ref, due_at, steps))
            except WriteConflict:
                _log.info("%s: answered, or taken over, while it was sent", alert.alert_id)
        else:
            self._deps.alerts.close(alert.ref)

    def _tell(self, contact_ids: Iterable[str]) -> None:
        failed: RetryableError | None = None
        told: list[str] = []
        for contact_id in contact_ids:
            if contact_id in self._deliveries:
                continue
            try:
                self._deliveries[contact_id] = self._tell_one(contact_id)
                told.append(contact_id)
            except RetryableError as error:
                _log.warning("%s: %s", self._alert.alert_id, error, extra={"contact": contact_id})
                failed = error
        # Once everybody has their text and that is written: no text waits for it, and a crash doubles none.
        for contact_id in told:
            self._look_for_opt_out(contact_id)
        if failed is not None:
            raise failed

    def _look_for_opt_out(self, contact_id: str) -> None:
        contact = self._site.contact(contact_id)
        if self._deliveries[contact_id].state is not DeliveryState.SENT or contact is None or contact.phone is None:
            return
        if self._deps.texts.has_opted_out(contact.phone):
            _log.error("%s: the number has opted out", self._alert.alert_id, extra={"contact": contact_id})
            self._tally.count("TextsRejected")
            self._deliveries[contact_id] = self._record(
                contact_id, DeliveryState.REJECTED, reason="the number has opted out: its owner answered STOP"
            )

    def _tell_one(self, contact_id: str) -> Delivery:
        contact = self._site.contact(contact_id)
        if contact is None:
            return self._record(contact_id, DeliveryState.REJECTED, reason="has left the site file since")
        if contact.phone is not None and (hit := self._admit(contact_id)) is not None:
            return self._hold(contact_id, hit)
        link = self._link(contact_id)
        text = self._text(link)
        try:
            message_id = self._publish(contact, text, link)
        except NotificationRejected as error:
            _log.error("%s: %s", self._alert.alert_id, error, extra={"contact": contact_id})
            self._tally.count("TextsRejected")
            return self._record(contact_id, DeliveryState.REJECTED, reason="the number is invalid or has opted out")
        except NotificationUnavailable:
            self._tally.count("TextErrors")
            raise
        delivery = self._record(contact_id, DeliveryState.SENT, message_id=message_id)
        self._tally.count("TextsSent" if contact.phone is not None else "TopicMessagesSent")
        return delivery

    def _publish(self, contact: Contact, text: str, link: str | None) -> str:
        if contact.phone is not None:
            return self._deps.texts.send(contact.phone, text, self._site.alerts)
        return self._deps.topic.publish(AlertMessage.of(self._alert, self._site, text, link), text)

    # -- limits -------------------------------------------------------------------------------------------------

    def _admit(self, contact_id: str) -> LimitHit | None:
        """Counts the text, once, however often it is tried. What holds it back, or None."""
        if contact_id in self._alert.reserved:
            return None

        def attempt() -> LimitHit | None:
            state = self._deps.alerts.limit_state()
            after, hit = admit(
                state,
                contact_id,
                self._deps.clock.now(),
                self._site.limits,
                pytz.timezone(self._site.site.time_zone),
                critical=self._alert.severity is Severity.CRITICAL,
            )
            if hit is None:
                self._deps.alerts.reserve(self._alert, contact_id, after, self._expires_at)
            return hit

        return retry_conflicts(attempt, self._deps.sleep)

    def _hold(self, contact_id: str, hit: LimitHit) -> Delivery:
        now = self._deps.clock.now()
        delivery = Delivery(DeliveryState.HELD, now, reason=hit)
        held = Held(contact_id, self._alert.camera_id, "limit", now, self._alert.captured_at)
        self._deps.alerts.hold(self._alert, contact_id, delivery, held, self._expires_at)
        self._tally.count("TextsHeld")
        return delivery

    # -- words --------------------------------------------------------------------------------------------------

    def _link(self, contact_id: str) -> str | None:
        base = self._site.alerts.link_base_url or self._deps.link_base_url
        if base is None:
            return None
        token = self._deps.new_token()
        expires_at = self._deps.clock.now() + timedelta(hours=self._site.alerts.link_hours)
        self._deps.alerts.put_link(token, AlertLink(self._alert.ref, contact_id, expires_at))
        return f"{base}/a/{token}"

    def _text(self, link: str | None) -> str:
        alert, site = self._alert, self._site
        cameras = dict.fromkeys((alert.camera_id, *(s.camera_id for s in alert.joined.values())))
        places = [camera.display_name if (camera := site.camera(i)) else i for i in cameras]
        return alert_text(
            label=alert.label,
            confidence=alert.confidence,
            places=places,
            captured_at=alert.captured_at,
            time_zone=pytz.timezone(site.site.time_zone),
            site_name=site.site.name,
            link=link,
            critical=alert.severity is Severity.CRITICAL,
        )

    # -- what became of it --------------------------------------------------------------------------------------

    def _record(
        self, contact_id: str, state: DeliveryState, *, message_id: str | None = None, reason: str | None = None
    ) -> Delivery:
        delivery = Delivery(state, self._deps.clock.now(), message_id, reason)
        self._deps.alerts.record_delivery(self._alert, contact_id, delivery)
        return delivery

    def _reached(self, steps: int) -> bool:
        """Whether somebody was told, or will be by a digest, whoever's turn came last among them.

        A topic counts where no phone was to ring.
        """
        last = self._alert.escalate_to[:steps][-1:]
        if any(self._deliveries[c].state is DeliveryState.REJECTED for c in last):
            return False
        told = {c: d for c, d in self._deliveries.items() if d.state is not DeliveryState.REJECTED}
        phones = {c for c in self._alert.contact_ids if (found := self._site.contact(c)) and found.phone}
        return bool(told.keys() & phones) or (bool(told) and not phones) or not self._alert.notify

    def _finish(self) -> None:
        states = {d.state for d in self._deliveries.values()}
        if DeliveryState.SENT in states or not states:
            state = AlertState.SENT
        else:
            state = AlertState.HELD if DeliveryState.HELD in states else AlertState.FAILED
        if state is self._alert.state:
            return
        finished = replace(self._alert, deliveries=self._deliveries)
        retry_conflicts(lambda: self._deps.alerts.finish(finished, state), self._deps.sleep)
        self._tally.count({AlertState.SENT: "AlertsSent", AlertState.HELD: "AlertsHeld"}.get(state, "AlertsFailed"))
        self._tally.time_ms("CaptureToAlertMs", _ms(self._deps.clock.now() - self._alert.captured_at))

    @property
    def _expires_at(self) -> datetime:
        return self._deps.clock.now() + timedelta(days=self._site.retention.metadata_days)


def _ms(span: timedelta) -> float:
    return span.total_seconds() * 1000
