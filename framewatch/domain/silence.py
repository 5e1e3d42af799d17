"""Who is silent, and since when: judged once a minute, from what was last heard.

Three answers, for nobody may be told that a camera is back because it can no longer be seen: in trouble, well, or
unclear (what was known of it stays as it is). What none of them names has gone: it left the site file, was switched
off, or its clip has ended.

Only our own clock counts: when the stream took a heartbeat, when the table took a frame. While the image processor is
behind, a heartbeat may lie in the stream that nobody has read; so silence is measured up to the moment which the
processor has reached.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from framewatch.domain.heartbeats import CameraState
from framewatch.domain.site import Camera, SiteConfig
from framewatch.domain.troubles import TroubleKind

Subject = tuple[TroubleKind, str]
"""What is in trouble: of a camera or box its id, else no name."""

STREAM: Subject = (TroubleKind.STREAM, "")
VISION: Subject = (TroubleKind.VISION, "")
PROCESSING: Subject = (TroubleKind.PROCESSING, "")

NOTE_LIFE = timedelta(minutes=5)
"""What an older note says no longer holds: a shard with work to do is noted after every batch, none of which takes so
long."""

# A batch waits for company and is looked at; what takes longer is a queue.
_KEEPS_UP = timedelta(minutes=1)
_NOT_WATCHED = (CameraState.DISABLED, CameraState.ENDED)


@dataclass(frozen=True, slots=True)
class Sign:
    """The newest heartbeat of a camera from one box; of a camera that has never sent any, its newest frame.

    at: by our clock. box: None for a frame.
    """

    camera_id: str
    at: datetime
    box: str | None = None
    state: CameraState = CameraState.ONLINE


@dataclass(frozen=True, slots=True)
class ShardHealth:
    """What the image processor has last said of one shard.

    behind_s: how long its newest record had waited at `at`. vision_failing_since: None while it works.
    """

    shard_id: str
    at: datetime
    behind_s: float
    vision_failing_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Something is silent, or not as it should be. grave: for longer than its grace, so that people should know.

    cameras: ids of those that a silent box takes with it. late_s: of a stream that lags.
    """

    since: datetime
    grave: bool
    cameras: tuple[str, ...] = ()
    late_s: float = 0.0


@dataclass(slots=True)
class Findings:
    suspected: dict[Subject, Suspicion] = field(default_factory=dict)
    well: set[Subject] = field(default_factory=set)
    unclear: set[Subject] = field(default_factory=set)


def judge(
    signs: Sequence[Sign],
    health: Sequence[ShardHealth],
    site: SiteConfig,
    suspected_since: Mapping[Subject, datetime],
    now: datetime,
) -> Findings:
    """signs: of one camera and box one at most; of cameras that the site file no longer holds they count for the box.

    suspected_since: of those already suspected. A heartbeat says how a camera is, not since when.
    """
    return _Judge(signs, health, site, suspected_since, now).run()


class _Judge:
    def __init__(
        self,
        signs: Sequence[Sign],
        health: Sequence[ShardHealth],
        site: SiteConfig,
        suspected_since: Mapping[Subject, datetime],
        now: datetime,
    ):
        self._site = site
        self._grace = timedelta(seconds=site.watchdog.grace_s)
        self._suspected_since = suspected_since
        self._now = now
        self._notes = [h for h in health if now - h.at <= NOTE_LIFE]
        self._noted_at = max((h.at for h in health), default=None)
        self._heard_until = min((self._read_until(h) for h in self._notes), default=now)
        self._newest: dict[str, Sign] = {}
        self._box_spoke_at: dict[str, datetime] = {}
        for sign in signs:
            newest = self._newest.get(sign.camera_id)
            if newest is None or sign.at > newest.at:
                self._newest[sign.camera_id] = sign
            if sign.box is not None:
                self._box_spoke_at[sign.box] = max(sign.at, self._box_spoke_at.get(sign.box, sign.at))
        self._found = Findings()

    def run(self) -> Findings:
        watched: dict[str | None, list[tuple[Camera, Sign]]] = {}
        for camera in self._site.cameras:
            # Never heard of: not installed yet.
            sign = self._newest.get(camera.id)
            if sign is not None and sign.state not in _NOT_WATCHED:
                watched.setdefault(sign.box, []).append((camera, sign))
        for camera, sign in watched.pop(None, []):
            self._judge_camera(camera, sign)
        for box, cameras in watched.items():
            if box is not None:
                self._judge_box(box, cameras)
        self._judge_vision()
        self._judge_stream()
        self._judge_processing()
        return self._found

    def _judge_box(self, box: str, cameras: Sequence[tuple[Camera, Sign]]) -> None:
        subject, spoke_at = (TroubleKind.BOX, box), self._box_spoke_at[box]
        # The camera that may be silent for the shortest speaks for the box.
        if self._heard_until - spoke_at > min(self._grace_of(camera) for camera, _ in cameras):
            ids = tuple(camera.id for camera, _ in cameras)
            self._found.suspected[subject] = Suspicion(spoke_at, grave=True, cameras=ids)
            self._found.unclear |= {(TroubleKind.CAMERA, i) for i in ids}
            return
        self._found.well.add(subject)
        for camera, sign in cameras:
            self._judge_camera(camera, sign)

    def _judge_camera(self, camera: Camera, sign: Sign) -> None:
        subject, grace = (TroubleKind.CAMERA, camera.id), self._grace_of(camera)
        known_since = self._suspected_since.get(subject)
        if self._heard_until - sign.at > grace:
            self._found.suspected[subject] = Suspicion(known_since or sign.at, grave=True)
        elif sign.state is not CameraState.ONLINE:
            since = known_since or sign.at
            self._found.suspected[subject] = Suspicion(since, grave=self._now - since > grace)
        else:
            self._found.well.add(subject)

    def _judge_vision(self) -> None:
        failing = [h.vision_failing_since for h in self._notes if h.vision_failing_since is not None]
        if failing:
            self._found.suspected[VISION] = Suspicion(min(failing), grave=self._now - min(failing) > self._grace)
        else:
            (self._found.well if self._notes else self._found.unclear).add(VISION)

    def _judge_stream(self) -> None:
        if VISION in self._found.suspected:
            # Frames wait because nobody can look at them: one trouble, not two.
            self._found.unclear.add(STREAM)
            return
        late = [h for h in self._notes if h.behind_s > self._site.watchdog.stream_lag_s]
        if late:
            since = min(h.at - timedelta(seconds=h.behind_s) for h in late)
            late_s = max(h.behind_s for h in late)
            self._found.suspected[STREAM] = Suspicion(since, grave=True, late_s=late_s)
        else:
            (self._found.well if self._notes else self._found.unclear).add(STREAM)

    def _judge_processing(self) -> None:
        """That nothing comes from anywhere. Of a single box or camera, its own silence says as much."""
        spoke = [s.at for s in self._newest.values()] + ([self._noted_at] if self._noted_at else [])
        if not spoke:
            return
        sources = [s for s in self._found.suspected if s[0] is TroubleKind.BOX or self._is_alone(s)]
        speaking = any(kind in (TroubleKind.BOX, TroubleKind.CAMERA) for kind, _ in self._found.well)
        if self._now - max(spoke) <= self._grace or speaking:
            self._found.well.add(PROCESSING)
        elif len(sources) > 1:
            self._found.suspected[PROCESSING] = Suspicion(max(spoke), grave=True)
        else:
            self._found.unclear.add(PROCESSING)

    def _is_alone(self, subject: Subject) -> bool:
        """Whether it is a camera that no box speaks for."""
        kind, name = subject
        return kind is TroubleKind.CAMERA and self._newest[name].box is None

    def _read_until(self, note: ShardHealth) -> datetime:
        # A shard that keeps up is quiet between two notes because nothing came; one that is behind may be stuck.
        behind = timedelta(seconds=note.behind_s)
        return (note.at if behind > _KEEPS_UP else self._now) - behind

    def _grace_of(self, camera: Camera) -> timedelta:
        own_s = camera.silence_grace_s
        return self._grace if own_s is None else timedelta(seconds=own_s)
