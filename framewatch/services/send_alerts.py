"""An alert on its way out: decided together with its visit, then one text for each contact, then finished.

Between two writes a crash may fall anywhere. What is written says how far it came: no delivery for a contact means
that the contact is still to be texted. The one window that remains lies between a publish and the write of its
delivery: a crash there texts that contact twice, for the other order could lose the text.
"""

import logging
from dataclasses import replace
from datetime import datetime

import pytz

from framewatch.domain.alerts import WATCH_RULE_ID, Alert, Delivery, DeliveryState, alert_id_for
from framewatch.domain.errors import NotificationRejected, NotificationUnavailable, RetryableError
from framewatch.domain.site import SiteConfig
from framewatch.domain.visits import AlertState, Visit, VisitSighting
from framewatch.services.processing import Deps, Tally, retry_conflicts
from framewatch.wire.sms import alert_text

_log = logging.getLogger(__name__)


def build_alert(visit: Visit, sighting: VisitSighting, site: SiteConfig, decided_at: datetime) -> Alert:
    camera = site.camera(visit.camera_id)
    return Alert(
        alert_id=alert_id_for(visit.visit_id, WATCH_RULE_ID),
        rule_id=WATCH_RULE_ID,
        visit_id=visit.visit_id,
        camera_id=visit.camera_id,
        label=visit.label,
        confidence=sighting.confidence,
        frame_id=sighting.frame_id,
        captured_at=sighting.captured_at,
        decided_at=decided_at,
        contact_ids=tuple(contact.id for contact in site.contacts_to_notify()),
        text=alert_text(
            label=visit.label,
            confidence=sighting.confidence,
            places=(camera.display_name if camera else visit.camera_id,),
            captured_at=sighting.captured_at,
            time_zone=pytz.timezone(site.site.time_zone),
            site_name=site.site.name,
            link=None,
        ),
    )


def send_alert(alert: Alert, site: SiteConfig, deps: Deps, tally: Tally) -> None:
    """Text every contact that has no delivery yet, then finish the alert.

    Raises the RetryableError of a contact whose text could not be sent, after trying the others.
    """
    phones = {contact.id: contact.phone for contact in site.contacts}
    deliveries = dict(alert.deliveries)
    failed: RetryableError | None = None
    for contact_id in alert.contact_ids:
        if contact_id in deliveries:
            continue
        try:
            delivery = _text(alert, contact_id, phones.get(contact_id), deps, tally)
            deps.visits.record_delivery(alert, contact_id, delivery)
        except RetryableError as error:
            _log.warning("%s: %s", alert.alert_id, error, extra={"frame_id": alert.frame_id, "contact": contact_id})
            failed = error
            continue
        deliveries[contact_id] = delivery
    if failed is not None:
        raise failed
    sent = not alert.contact_ids or any(d.state is DeliveryState.SENT for d in deliveries.values())
    finished = replace(alert, deliveries=deliveries)
    state = AlertState.SENT if sent else AlertState.FAILED
    retry_conflicts(lambda: deps.visits.finish_alert(finished, state), deps.sleep)
    tally.count("AlertsSent" if sent else "AlertsFailed")
    tally.time_ms("CaptureToAlertMs", (deps.clock.now() - alert.captured_at).total_seconds() * 1000)


def _text(alert: Alert, contact_id: str, phone: str | None, deps: Deps, tally: Tally) -> Delivery:
    if phone is None:
        _log.warning("%s: the contact has left the site file since", alert.alert_id, extra={"contact": contact_id})
        tally.count("TextsRejected")
        return Delivery(DeliveryState.REJECTED, deps.clock.now())
    try:
        message_id = deps.texts.send(phone, alert.text)
    except NotificationRejected as error:
        _log.error("%s: %s", alert.alert_id, error, extra={"frame_id": alert.frame_id, "contact": contact_id})
        tally.count("TextsRejected")
        return Delivery(DeliveryState.REJECTED, deps.clock.now())
    except NotificationUnavailable:
        tally.count("TextErrors")
        raise
    tally.count("TextsSent")
    return Delivery(DeliveryState.SENT, deps.clock.now(), message_id)
