"""What the frame view and the editor of zones ask for: neighbours, and the alerts and visits that claim a frame."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.browser.fake_site import Asked, FakeSite, Refused
from tests.browser.fake_values import rfc3339


class FakeFrames:
    """Hooks itself into the site. `alert_of(frame)` makes one alert and its visit."""

    def __init__(self, site: FakeSite) -> None:
        self.site = site
        self.alerts: list[dict[str, Any]] = []
        self.visits: list[dict[str, Any]] = []
        self.rules: list[dict[str, Any]] = []
        site.routes |= {
            "/v1/frames/around": self.around,
            "/v1/alerts": lambda asked: {"alerts": within(self.alerts, asked, "captured_at"), "next_cursor": None},
            "/v1/visits": lambda asked: {"visits": within(self.visits, asked, "first_seen"), "next_cursor": None},
            "/v1/site": lambda _: {**site.about(), "rules": self.rules},
        }

    def around(self, asked: Asked) -> dict[str, Any]:
        if missing := {"camera", "at"} - asked.query.keys():
            raise Refused(400, "invalid_parameter", f"{min(missing)} is missing")
        at = datetime.fromisoformat(asked.query["at"])
        limit = int(asked.query.get("limit", 5))
        own = [
            {**frame, **self.site.picture_of(frame["frame_id"])}
            for frame in self.site.frames
            if frame["camera_id"] == asked.query["camera"]
        ]
        before = [frame for frame in own if datetime.fromisoformat(frame["captured_at"]) < at]
        after = [frame for frame in reversed(own) if datetime.fromisoformat(frame["captured_at"]) > at]
        return {"before": before[:limit], "after": after[:limit]}

    def alert_of(self, frame: dict[str, Any], *, rule: str = "porch-at-night", severity: str = "critical") -> None:
        captured = datetime.fromisoformat(frame["captured_at"])

        def after(ms: int) -> str:
            return rfc3339(captured + timedelta(milliseconds=ms))

        seen = frame["labels"][0]
        alert_id = f"{rule}.{frame['frame_id']}"
        picture = self.site.picture_of(frame["frame_id"])
        camera = {name: frame[name] for name in ("camera_id", "camera_name")}
        visit_id = f"visit.{frame['frame_id']}"
        box = seen["instances"][0]["box_xyxy_rel"]
        self.alerts.append(
            {
                "alert_id": alert_id,
                "rule_id": rule,
                "severity": severity,
                "state": "sent",
                **camera,
                "label": seen["name"],
                "confidence": seen["confidence"],
                "captured_at": frame["captured_at"],
                "decided_at": after(1130),
                "visit_id": visit_id,
                "frame_id": frame["frame_id"],
                "box_xyxy_rel": box,
                **picture,
                "deliveries": [{"contact_id": "ana", "state": "sent", "at": after(1640), "reason": None}],
                "escalation": [],
                "answers": [{"kind": "taken", "by": "user:bo", "name": "Bo", "is_you": False, "at": after(60_000)}],
                "notes": [],
                "joined": [],
                "trace": {
                    "captured_at": frame["captured_at"],
                    "arrived_at": after(240),
                    "received_at": after(520),
                    "labelled_at": after(940),
                    "stored_at": after(1080),
                    "decided_at": after(1130),
                    "published_at": after(1640),
                },
                "escalates_at": None,
            }
        )
        self.visits.append(
            {
                "visit_id": visit_id,
                **camera,
                "label": seen["name"],
                "first_seen": after(-20_000),
                "last_seen": after(90_000),
                "open": False,
                "frames": 12,
                "best": {
                    "frame_id": frame["frame_id"],
                    "captured_at": frame["captured_at"],
                    "confidence": seen["confidence"],
                    "box_xyxy_rel": box,
                    **picture,
                },
                "alerts": [{"rule_id": rule, "state": "sent", "alert_id": alert_id, "frame_id": frame["frame_id"]}],
                "withheld": [],
            }
        )


def within(items: list[dict[str, Any]], asked: Asked, time: str) -> list[dict[str, Any]]:
    """Of the camera and the span that are asked for."""
    start = datetime.fromisoformat(asked.query["from"]) if "from" in asked.query else datetime.min.replace(tzinfo=UTC)
    end = datetime.fromisoformat(asked.query["to"]) if "to" in asked.query else datetime.max.replace(tzinfo=UTC)
    return [
        item
        for item in items
        if asked.query.get("camera") in {None, item["camera_id"]}
        and start <= datetime.fromisoformat(item[time]) < end
    ]
