"""What /v1/cameras says about a fake site: a camera with a frame is well, until a test says otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.browser.fake_values import rfc3339

if TYPE_CHECKING:
    from tests.browser.fake_site import FakeSite


def statuses(site: FakeSite) -> dict[str, Any]:
    """`site.camera_states["yard"] = offline("reconnecting", for_s=90)` and `site.troubles` are put on top."""
    now = datetime.now(UTC)
    newest: dict[str, dict[str, Any]] = {}
    for frame in site.frames:
        newest.setdefault(frame["camera_id"], frame)
    return {
        "at": rfc3339(now),
        "cameras": [
            {
                "camera_id": camera["camera_id"],
                "name": camera["name"],
                "group": camera.get("group"),
                "state": "online" if camera["camera_id"] in newest else "unknown",
                "since": None,
                "why": None,
                "heartbeat": None,
                "budget": None,
                "newest_frame": newest_frame(site, newest.get(camera["camera_id"]), now),
                **site.camera_states.get(camera["camera_id"], {}),
            }
            for camera in site.cameras
        ],
        "troubles": site.troubles,
    }


def newest_frame(site: FakeSite, frame: dict[str, Any] | None, now: datetime) -> dict[str, Any] | None:
    if frame is None:
        return None
    return {
        **{
            name: frame[name]
            for name in ("frame_id", "captured_at", "stored_at", "width", "height", "analysis", "labels")
        },
        "age_s": max((now - datetime.fromisoformat(frame["captured_at"])).total_seconds(), 0.0),
        **site.picture_of(frame["frame_id"]),
    }


def offline(state: str, *, for_s: float, why: str | None = None) -> dict[str, Any]:
    return {"state": state, "since": rfc3339(datetime.now(UTC) - timedelta(seconds=for_s)), "why": why}
