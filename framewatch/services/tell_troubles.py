"""The dead-man switch: texts when something is silent, and when it is back, grouped so that one cause is one text.

Only who has the turn looks and tells; a turn ends with the time its holder has left, so that a pass that died is in
nobody's way a minute later. A text is sent before it is written that it was: a crash in between sends it again, to
that contact, for the other order could lose it. A contact whose text failed is told with the next pass, alone.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import TypedDict

import pytz

from framewatch.domain.errors import FramewatchError, NotificationRejected, NotificationUnavailable, RetryableError
from framewatch.domain.limits import admit
from framewatch.domain.silence import PROCESSING, Findings, Sign, Subject, judge
from framewatch.domain.site import SiteConfig
from framewatch.domain.trouble_life import Stage, TroubleLife, live_on, suspected_since
from framewatch.domain.troubles import Trouble, TroubleKind
from framewatch.services.frame_merge import FramePages, newest_frame
from framewatch.services.ports import HealthTable, HeartbeatTable, TroubleTable
from framewatch.services.send_alerts import SendDeps
from framewatch.services.tally import Tally, retry_conflicts
from framewatch.wire.sms import back_text, silence_text

_log = logging.getLogger(__name__)

# The clocks of two machines, and an end that comes a moment late.
_TURN_MARGIN = timedelta(seconds=5)
# Enough for one text; with less, it would be cut off in the middle.
FINISH_S = 5.0


@dataclass(frozen=True, slots=True)
class TroubleDeps:
    sending: SendDeps
    heartbeats: HeartbeatTable
    frames: FramePages
    troubles: TroubleTable
    health: HealthTable
    executor: Executor | None = None


def tell_troubles(site: SiteConfig, deps: TroubleDeps, tally: Tally, remaining_s: Callable[[], float]) -> None:
    """Raises the RetryableError of a contact who could not be told, after trying the others."""
    if not site.watchdog.enabled:
        return
    clock = deps.sending.clock
    now = clock.now()
    until = now + timedelta(seconds=remaining_s()) + _TURN_MARGIN
    if not deps.troubles.take_turn(now, until):
        _log.info("somebody else looks after what is silent at this moment")
        return
    try:
        _Pass(site, deps, tally, remaining_s).run()
    finally:
        deps.troubles.end_turn(clock.now(), until)


class _Setting(TypedDict):
    now: datetime
    time_zone: tzinfo
    site_name: str


class _Pass:
    def __init__(self, site: SiteConfig, deps: TroubleDeps, tally: Tally, remaining_s: Callable[[], float]):
        self._site = site
        self._deps = deps
        self._tally = tally
        self._remaining_s = remaining_s
        self._now = deps.sending.clock.now()
        self._found = Findings()
        self._lives: dict[Subject, TroubleLife] = {}
        self._failed: RetryableError | None = None

    def run(self) -> None:
        before = {life.subject: life for life in self._deps.troubles.all()}
        self._found = judge(
            read_signs(self._site, self._deps),
            self._deps.health.all(),
            self._site,
            suspected_since(before.values()),
            self._now,
        )
        self._lives = live_on(before, self._found, self._now)
        self._write([life for subject, life in self._lives.items() if life != before.get(subject)])
        self._deps.troubles.forget([subject for subject in before if subject not in self._lives])
        self._tally.count("CamerasSilent", len(_silent_cameras(self._lives.values())))
        self._tell_silence()
        self._tell_back()
        if self._failed is not None:
            raise self._failed

    def _tell_silence(self) -> None:
        phones = self._phones(self._site.watchdog_contacts)
        if not phones and any(life.stage is Stage.OPEN for life in self._lives.values()):
            _log.warning("something is silent and nobody is told: name a contact with a phone in watchdog.notify")
        for contact_id, phone in phones.items():
            untold = [life for life in self._lives.values() if life.is_untold(contact_id, self._now)]
            if not any(life.is_ripe(self._now) for life in untold):
                continue
            text = silence_text(troubles=[self._named(life) for life in untold], **self._setting)
            if self._send(contact_id, phone, text):
                self._tally.count("TroublesTold", len(untold))
                self._write([life.with_told(contact_id, self._now) for life in untold])

    def _tell_back(self) -> None:
        owed = dict.fromkeys(c for life in self._lives.values() for c in life.owed)
        phones = self._phones(owed)
        for contact_id in owed:
            over = [life for life in self._lives.values() if contact_id in life.owed]
            # That anything comes at all is seen by what is back.
            said = [life for life in over if life.subject != PROCESSING] or over
            until = max((life.over_at for life in said if life.over_at is not None), default=self._now)
            text = back_text(troubles=[self._named(life) for life in said], until=until, **self._setting)
            # Who has left the site file meanwhile hears nothing more.
            if contact_id not in phones or self._send(contact_id, phones[contact_id], text):
                self._write([life.with_paid(contact_id) for life in over])

    def _send(self, contact_id: str, phone: str, text: str) -> bool:
        """Whether the contact has been told, or never can be."""
        if self._remaining_s() < FINISH_S:
            return False
        sending = self._deps.sending
        try:
            sending.texts.send(phone, text, self._site.alerts)
        except NotificationRejected as error:
            _log.error("what is silent: %s", error, extra={"contact": contact_id})
            self._tally.count("TextsRejected")
            return True
        except RetryableError as error:
            if isinstance(error, NotificationUnavailable):
                self._tally.count("TextErrors")
            _log.warning("what is silent: %s", error, extra={"contact": contact_id})
            self._failed = error
            return False
        self._tally.count("TextsSent")
        self._count_text(contact_id)
        return True

    def _count_text(self, contact_id: str) -> None:
        """It counts, and no limit holds it back. After the text, for one that failed costs nothing."""
        site, sending = self._site, self._deps.sending
        limits = site.limits.model_copy(update={"critical_passes": True})
        zone = pytz.timezone(site.site.time_zone)

        def attempt() -> None:
            state = sending.alerts.limit_state()
            after, _ = admit(state, contact_id, sending.clock.now(), limits, zone, critical=True)
            sending.alerts.put_limit_state(after, self._expires_at)

        try:
            retry_conflicts(attempt, sending.sleep)
        except FramewatchError as error:
            _log.warning("a text is not counted: %s", error, extra={"contact": contact_id})

    def _write(self, lives: Sequence[TroubleLife]) -> None:
        if lives:
            self._deps.troubles.put(lives, self._expires_at)
        self._lives.update({life.subject: life for life in lives})

    def _phones(self, contact_ids: Iterable[str]) -> dict[str, str]:
        """By contact id. A topic takes alerts only."""
        contacts = [self._site.contact(i) for i in contact_ids]
        return {c.id: c.phone for c in contacts if c is not None and c.phone is not None}

    def _named(self, life: TroubleLife) -> Trouble:
        camera = self._site.camera(life.name) if life.kind is TroubleKind.CAMERA else None
        name = camera.display_name if camera is not None else life.name
        suspicion = self._found.suspected.get(life.subject)
        late_s = suspicion.late_s if suspicion is not None else 0.0
        return Trouble(life.kind, name, life.since, len(life.cameras), late_s)

    @property
    def _setting(self) -> _Setting:
        return {
            "now": self._now,
            "time_zone": pytz.timezone(self._site.site.time_zone),
            "site_name": self._site.site.name,
        }

    @property
    def _expires_at(self) -> datetime:
        return self._now + timedelta(days=self._site.retention.metadata_days)


def read_signs(site: SiteConfig, deps: TroubleDeps) -> list[Sign]:
    """The newest heartbeats; of cameras that have never sent one, the newest frame.

    Heartbeats are one query. A camera without any is two small ones a minute: with ten such cameras 0.9 million a
    month, some ten cents; with a thousand 86 million, some ten USD, and several seconds of each minute.
    """
    beats = deps.heartbeats.newest()
    signs = [Sign(b.camera_id, b.received_at, b.box, b.state) for b in beats]
    known = {b.camera_id for b in beats}
    others = [camera.id for camera in site.cameras if camera.id not in known]
    run = deps.executor.map if deps.executor else map
    for camera_id, frame in zip(others, run(lambda i: newest_frame(deps.frames, i), others), strict=True):
        if frame is not None:
            signs.append(Sign(camera_id, frame.stored_at))
    return signs


def _silent_cameras(lives: Iterable[TroubleLife]) -> set[str]:
    silent: set[str] = set()
    for life in lives:
        if life.stage is Stage.OPEN:
            silent.update((life.name,) if life.kind is TroubleKind.CAMERA else life.cameras)
    return silent
