"""How every camera is, for the dashboard: what its box said last, what the watchdog has found, what it last saw.

One query of the heartbeats, one of the troubles, and of each camera two small ones for its newest frame (on which
day, and which), side by side where there is an executor.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from framewatch.domain.budget import BudgetState
from framewatch.domain.heartbeats import CameraState
from framewatch.domain.silence import PROCESSING, STREAM, VISION, Subject
from framewatch.domain.site import Camera, SiteConfig
from framewatch.domain.trouble_life import Stage, TroubleLife
from framewatch.domain.troubles import TroubleKind
from framewatch.services.frame_merge import FramePages, newest_frame
from framewatch.services.ports import Clock, HeartbeatTable, ImageStore, SiteSource, TroubleTable
from framewatch.services.ports_cost import BudgetSource
from framewatch.wire.api_cameras import (
    SILENT,
    UNKNOWN,
    CameraStatusView,
    CamerasView,
    HeartbeatView,
    NewestFrameView,
    TroubleView,
)
from framewatch.wire.api_costs import CameraStepView
from framewatch.wire.frame_items import StoredFrame
from framewatch.wire.heartbeat_items import StoredHeartbeat

_State = tuple[CameraState | Literal["silent", "unknown"], datetime | None, str | None]

_WHOLE_SITE = (PROCESSING, STREAM, VISION)
_NOT_WATCHED = (CameraState.DISABLED, CameraState.ENDED)


@dataclass(frozen=True, slots=True)
class CameraDeps:
    """executor: for reads that can go together."""

    site: SiteSource
    heartbeats: HeartbeatTable
    troubles: TroubleTable
    frames: FramePages
    images: ImageStore
    clock: Clock
    image_url_ttl: timedelta
    budget: BudgetSource
    executor: Executor | None = None


def list_cameras(deps: CameraDeps) -> CamerasView:
    """Raises RetryableError."""
    site, now = deps.site.current(), deps.clock.now().astimezone(UTC)
    beats = _newest_beats(deps.heartbeats.newest())
    lives = {life.subject: life for life in deps.troubles.all() if life.stage is not Stage.OVER}
    run = deps.executor.map if deps.executor else map
    frames = run(lambda camera: newest_frame(deps.frames, camera.id), site.cameras)
    look = _Look(site, lives, now, deps, deps.budget.current())
    return CamerasView(
        at=now,
        cameras=tuple(look.at(c, beats.get(c.id), frame) for c, frame in zip(site.cameras, frames, strict=True)),
        troubles=tuple(
            TroubleView(kind=life.kind, since=life.since)
            for s in _WHOLE_SITE
            if (life := look.trouble(s)) is not None
        ),
    )


def _newest_beats(beats: Sequence[StoredHeartbeat]) -> dict[str, StoredHeartbeat]:
    """By camera: one may have moved from a box to another."""
    newest: dict[str, StoredHeartbeat] = {}
    for beat in beats:
        if beat.camera_id not in newest or beat.received_at > newest[beat.camera_id].received_at:
            newest[beat.camera_id] = beat
    return newest


@dataclass(frozen=True, slots=True)
class _Look:
    """lives: what is suspected or open."""

    site: SiteConfig
    lives: Mapping[Subject, TroubleLife]
    now: datetime
    deps: CameraDeps
    budget: BudgetState

    def trouble(self, subject: Subject) -> TroubleLife | None:
        life = self.lives.get(subject)
        return life if life is not None and life.stage is Stage.OPEN else None

    def at(self, camera: Camera, beat: StoredHeartbeat | None, frame: StoredFrame | None) -> CameraStatusView:
        state, since, why = self._state(camera, beat, frame)
        return CameraStatusView(
            camera_id=camera.id,
            name=camera.display_name,
            group=camera.group,
            state=state,
            since=since,
            why=why,
            heartbeat=HeartbeatView.of(beat, self.now) if beat is not None else None,
            newest_frame=self._frame(frame) if frame is not None else None,
            budget=CameraStepView.of(step) if (step := self.budget.held_by(camera.id, self.now)) else None,
        )

    def _state(self, camera: Camera, beat: StoredHeartbeat | None, frame: StoredFrame | None) -> _State:
        """What it is, since when, and why. As the watchdog judges, but without waiting for its next minute."""
        heard_at = beat.received_at if beat is not None else frame.stored_at if frame is not None else None
        if heard_at is None:
            return UNKNOWN, None, None
        if beat is not None and beat.state in _NOT_WATCHED:
            return beat.state, None, beat.last_error
        if life := self.trouble(PROCESSING):
            return SILENT, life.since, "nothing at all is processed"
        if beat is not None and (life := self.trouble((TroubleKind.BOX, beat.box))):
            return SILENT, life.since, f"its box {beat.box} is silent"
        return self._own_state(camera, beat, heard_at)

    def _own_state(self, camera: Camera, beat: StoredHeartbeat | None, heard_at: datetime) -> _State:
        suspected = self.lives.get((TroubleKind.CAMERA, camera.id))
        since = suspected.since if suspected is not None else heard_at
        grace_s = camera.silence_grace_s or self.site.watchdog.grace_s
        if self.now - heard_at > timedelta(seconds=grace_s):
            late = self.trouble(STREAM) or self.trouble(VISION)
            return SILENT, since, "frames come late, and what it says may wait with them" if late else None
        if beat is None or beat.state is CameraState.ONLINE:
            return CameraState.ONLINE, None, None
        return beat.state, since, beat.last_error

    def _frame(self, frame: StoredFrame) -> NewestFrameView:
        # A link's life is counted from the second in which it is signed.
        expires_at = self.now.replace(microsecond=0) + self.deps.image_url_ttl
        url = self.deps.images.url(frame.image_key, self.deps.image_url_ttl)
        return NewestFrameView.of(frame, self.now, url, expires_at)
