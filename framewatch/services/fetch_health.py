"""Whether anything is wrong, in a few lines: for a wall, or for a monitor that asks every minute.

The same as the list of cameras says (list_cameras.py), at the same cost, without what is well.
"""

from collections.abc import Iterator

from framewatch.domain.heartbeats import CameraState
from framewatch.domain.troubles import TroubleKind
from framewatch.services.list_cameras import CameraDeps, list_cameras
from framewatch.wire.api_cameras import UNKNOWN, CamerasView, HealthStatus, HealthTroubleView, HealthView

# Nobody expects a picture of these; of which nothing was ever heard, it may not yet be there.
_NO_TROUBLE = (CameraState.ONLINE, CameraState.DISABLED, CameraState.ENDED, UNKNOWN)


def fetch_health(deps: CameraDeps) -> HealthView:
    """Raises RetryableError."""
    seen = list_cameras(deps)
    troubles = tuple(_troubles(seen))
    return HealthView(at=seen.at, status=HealthStatus.TROUBLED if troubles else HealthStatus.OK, troubles=troubles)


def _troubles(seen: CamerasView) -> Iterator[HealthTroubleView]:
    for trouble in seen.troubles:
        yield HealthTroubleView(
            kind=trouble.kind, camera_id=None, camera_name=None, state=None, since=trouble.since, why=None
        )
    for camera in seen.cameras:
        if camera.state not in _NO_TROUBLE:
            yield HealthTroubleView(
                kind=TroubleKind.CAMERA,
                camera_id=camera.camera_id,
                camera_name=camera.name,
                state=camera.state,
                since=camera.since,
                why=camera.why,
            )
