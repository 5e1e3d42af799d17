"""One text that tells what limits and lateness have held back.

A digest is noted before it is sent, under the version of the limits: of two who would send it, one does. Then come
the text and the end of what it told of. A crash or a failure after the note puts the digest off by an hour, or by a
day where the day's limit or the budget is used up; one between the text and the end tells the same again, as late.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytz

from framewatch.domain.errors import NotificationRejected, NotificationUnavailable, RetryableError
from framewatch.domain.limits import Digest, Held, due_digests, note_digest
from framewatch.domain.site import SiteConfig
from framewatch.services.send_alerts import SendDeps
from framewatch.services.tally import Tally, retry_conflicts
from framewatch.wire.sms import digest_text

_log = logging.getLogger(__name__)

# Enough for one text; with less, it would be cut off in the middle.
FINISH_S = 5.0


def send_digests(site: SiteConfig, deps: SendDeps, tally: Tally, remaining_s: Callable[[], float]) -> None:
    """Those that are due. Raises the RetryableError of one that failed, after trying the others."""
    _, found = deps.alerts.open_work()
    failed: RetryableError | None = None
    for contact_id in dict.fromkeys(held.contact_id for _, held in found):
        if remaining_s() < FINISH_S:
            break
        keys = [key for key, held in found if held.contact_id == contact_id]
        try:
            _send([held for _, held in found if held.contact_id == contact_id], keys, site, deps, tally)
        except RetryableError as error:
            _log.warning("digest: %s", error, extra={"contact": contact_id})
            failed = error
    if failed is not None:
        raise failed


def _send(held: Sequence[Held], keys: Sequence[str], site: SiteConfig, deps: SendDeps, tally: Tally) -> None:
    """held: all of one contact."""
    contact = site.contact(held[0].contact_id)
    if contact is None or contact.phone is None:
        _log.info("nobody to send a digest to: the contact has no phone", extra={"contact": held[0].contact_id})
        deps.alerts.close_held(keys)
        return
    digest = retry_conflicts(lambda: _note(held, site, deps), deps.sleep)
    if digest is None:
        return
    try:
        deps.texts.send(contact.phone, _text(digest, site, deps), site.alerts)
    except NotificationRejected as error:
        _log.error("digest: %s", error, extra={"contact": contact.id})
        tally.count("TextsRejected")
    except NotificationUnavailable:
        tally.count("TextErrors")
        raise
    else:
        tally.count("TextsSent")
        tally.count("DigestsSent")
    deps.alerts.close_held(keys)


def _note(held: Sequence[Held], site: SiteConfig, deps: SendDeps) -> Digest | None:
    """The digest that is now ours to send; None when none is due."""
    now, limits, zone = deps.clock.now(), site.limits, pytz.timezone(site.site.time_zone)
    state = deps.alerts.limit_state()
    due = due_digests(held, state, now, limits, zone)
    if not due:
        return None
    noted = note_digest(state, due[0].contact_id, now, limits, zone)
    deps.alerts.put_limit_state(noted, now + timedelta(days=site.retention.metadata_days))
    return due[0]


def _text(digest: Digest, site: SiteConfig, deps: SendDeps) -> str:
    cameras = [site.camera(held.camera_id) for held in digest.held]
    base = site.alerts.link_base_url or deps.link_base_url
    return digest_text(
        places=[c.display_name if c else held.camera_id for c, held in zip(cameras, digest.held, strict=True)],
        late=sum(held.reason == "late" for held in digest.held),
        since=min(held.captured_at for held in digest.held),
        now=deps.clock.now(),
        time_zone=pytz.timezone(site.site.time_zone),
        site_name=site.site.name,
        link=base,
    )
