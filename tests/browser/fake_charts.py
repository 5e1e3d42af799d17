"""What a fake site has counted: /v1/stats, /v1/latency, /v1/alerts and /v1/withheld.

In the shapes of docs/openapi.json; of an alert and a withheld one, those fields that are counted by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.browser.fake_site import FakeSite
from tests.browser.fake_values import rfc3339

HOUR = timedelta(hours=1)
STAGES = {
    "captured-arrived": (42.0, 73.0),
    "arrived-received": (81.0, 156.0),
    "received-labelled": (158.0, 288.0),
    "labelled-stored": (5.0, 14.0),
    "stored-decided": (22.0, 37.0),
    "decided-published": (46.0, 89.0),
    "captured-published": (537.0, 1737.0),
}


@dataclass
class Counted:
    """`hours[camera, hour]` holds what differs from an hour in which nothing was seen. The hour begins at it."""

    hours: dict[tuple[str, datetime], dict[str, Any]] = field(default_factory=dict)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    withheld: list[dict[str, Any]] = field(default_factory=list)
    latency: dict[str, tuple[float, float]] = field(default_factory=lambda: dict(STAGES))
    counted_until: datetime | None = None
    # of /v1/stats
    asked: list[dict[str, str]] = field(default_factory=list)

    def on(self, site: FakeSite) -> Counted:
        site.routes |= {
            "/v1/stats": lambda asked: self.stats(site, asked.query),
            "/v1/latency": lambda asked: self.stages(asked.query),
            "/v1/alerts": lambda asked: self.page("alerts", self.alerts, "captured_at", asked.query),
            "/v1/withheld": lambda asked: self.page("withheld", self.withheld, "visit_from", asked.query),
        }
        return self

    def count(self, camera: str, hour: datetime, **counts: Any) -> None:
        self.hours[camera, hour.replace(minute=0, second=0, microsecond=0)] = counts

    def alert(self, at: datetime, state: str = "sent", camera: str = "front-door") -> None:
        alert = {"alert_id": f"a{len(self.alerts)}", "camera_id": camera, "captured_at": rfc3339(at), "state": state}
        self.alerts.insert(0, alert)

    def withhold(self, at: datetime, reason: str, *, frames: int = 1) -> None:
        row = {"visit_id": f"v{len(self.withheld)}", "rule_id": "watch", "camera_id": "front-door", "reason": reason}
        self.withheld.insert(0, {**row, "visit_from": rfc3339(at), "count": frames, "alerted": False})

    def busy_week(self, now: datetime) -> Counted:
        """Something of everything, and nothing by chance."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        for back in range(24 * 30):
            at = hour - back * HOUR
            day = 3 + (at.hour * 7 + at.day * 3) % 17 if 6 <= at.hour < 22 else at.hour % 3
            labels = {"Person": day * 2, "Car": day, "Dog": day // 3, "Bicycle": day // 4, "Bird": day % 4}
            edge = {"read": 36_000, "sampled": 1_200, "gated": 1_200 - day * 20}
            self.count("front-door", at, frames=day * 20, by_label=labels, other_labels=day // 5, edge=edge)
            self.count("yard", at, frames=day * 6, by_label={"Tree": day, "Car": 1}, edge=None if back % 9 else edge)
            if day > 12:
                self.alert(at + timedelta(minutes=7), "held" if day % 5 == 0 else "failed" if day == 19 else "sent")
            if day > 8:
                self.withhold(at, ("stationary", "cool-down", "below-confidence", "snoozed")[day % 4], frames=day)
        self.counted_until = now - timedelta(minutes=2)
        return self

    def stats(self, site: FakeSite, query: Mapping[str, str]) -> dict[str, Any]:
        self.asked.append(dict(query))
        start, end = datetime.fromisoformat(query["from"]), datetime.fromisoformat(query["to"])
        cameras = [c["camera_id"] for c in site.cameras if query.get("camera", c["camera_id"]) == c["camera_id"]]
        return {
            "from": query["from"],
            "to": query["to"],
            "step_s": int(query["step"]),
            "cameras": [
                {
                    "camera_id": camera,
                    "buckets": [
                        bucket(at, counts)
                        for (its, at), counts in sorted(self.hours.items(), key=lambda item: item[0])
                        if its == camera and start <= at < end
                    ],
                }
                for camera in cameras
            ],
            "counted_until": self.counted_until and rfc3339(self.counted_until),
        }

    def stages(self, query: Mapping[str, str]) -> dict[str, Any]:
        count = len(self.alerts)
        return {
            "from": query["from"],
            "to": query["to"],
            "alerts": count,
            "cut_at": None,
            "stages": [
                {"stage": stage, "count": count, "p50_ms": p50 if count else None, "p95_ms": p95 if count else None}
                for stage, (p50, p95) in self.latency.items()
            ],
        }

    def page(self, name: str, rows: list[dict[str, Any]], time: str, query: Mapping[str, str]) -> dict[str, Any]:
        start, end = (datetime.fromisoformat(query[name]) for name in ("from", "to"))
        found = [
            row
            for row in rows
            if start <= datetime.fromisoformat(row[time]) < end
            and query.get("camera", row["camera_id"]) == row["camera_id"]
        ]
        first, limit = int(query.get("cursor", 0)), int(query["limit"])
        more = first + limit < len(found)
        return {name: found[first : first + limit], "next_cursor": str(first + limit) if more else None}


def bucket(at: datetime, counts: dict[str, Any]) -> dict[str, Any]:
    empty = {"frames": 0, "by_gate_reason": {}, "by_analysis": {}, "jpeg_bytes": 0, "by_label": {}}
    empty |= {"other_labels": 0, "watch_frames": 0}
    return {"at": rfc3339(at.astimezone(UTC)), **empty, "alerts": 0, "withheld": 0, "edge": None, **counts}
