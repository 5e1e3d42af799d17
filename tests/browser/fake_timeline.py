"""What happened at a fake site: /v1/visits, /v1/alerts and /v1/stats, true to docs/openapi.json."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.browser.fake_site import Asked, FakeSite, Refused
from tests.browser.fake_values import PERSON, PERSON_BOX, rfc3339

KNOWN = {
    "/v1/visits": {"camera", "label", "from", "to", "limit", "cursor"},
    "/v1/alerts": {"camera", "label", "rule", "state", "from", "to", "limit", "cursor"},
    "/v1/stats": {"camera", "from", "to", "step"},
}


@dataclass
class FakeTimeline:
    """Visits and alerts of a site. Made, it answers for the site; without `counts` nothing is counted (404)."""

    site: FakeSite
    visits: list[dict[str, Any]] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    # frames in the step that begins then, of which with a label of the rules
    counts: Callable[[str, datetime], tuple[int, int]] | None = None
    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.site.routes |= {
            "/v1/visits": lambda asked: self.page(asked, "visits", self.visits, "first_seen"),
            "/v1/alerts": lambda asked: self.page(asked, "alerts", self.alerts, "captured_at"),
            "/v1/stats": self.stats,
        }

    def visit(
        self,
        begins: datetime,
        lasts: timedelta = timedelta(minutes=2),
        *,
        camera: str = "front-door",
        label: str = "Person",
        confidence: float = 94.2,
        is_open: bool = False,
        withheld: str | None = "cool-down",
        picture: bool = True,
    ) -> dict[str, Any]:
        best_at = begins + lasts / 2
        frame_id = f"{camera}.b1.{len(self.visits):08d}"
        if picture:
            frame_id = self.site.add(PERSON, at=best_at, camera=camera)["frame_id"]
        visit = {
            "visit_id": f"v{len(self.visits)}-{camera}",
            "camera_id": camera,
            "camera_name": self.name_of(camera),
            "label": label,
            "first_seen": rfc3339(begins),
            "last_seen": rfc3339(begins + lasts),
            "open": is_open,
            "frames": 7,
            "best": {
                "frame_id": frame_id,
                "captured_at": rfc3339(best_at),
                "confidence": confidence,
                "box_xyxy_rel": list(PERSON_BOX),
            },
            "alerts": [],
            "withheld": [
                {
                    "rule_id": "watch",
                    "reason": withheld,
                    "first_at": rfc3339(begins),
                    "last_at": rfc3339(begins + lasts),
                    "count": 5,
                    "best_confidence": confidence,
                }
            ]
            if withheld
            else [],
        }
        self.visits.append(visit)
        return visit

    def alert(self, visit: dict[str, Any], *, severity: str = "alert", rule: str = "watch") -> dict[str, Any]:
        """For the best frame of the visit."""
        best = visit["best"]
        alert_id = f"{rule}-{visit['visit_id']}"
        claim = {"rule_id": rule, "state": "sent", "alert_id": alert_id, "frame_id": best["frame_id"]}
        visit["alerts"].append(claim)
        at = best["captured_at"]
        alert = {
            "alert_id": alert_id,
            "rule_id": rule,
            "severity": severity,
            "state": "sent",
            "camera_id": visit["camera_id"],
            "camera_name": visit["camera_name"],
            "label": visit["label"],
            "confidence": best["confidence"],
            "captured_at": at,
            "decided_at": at,
            "visit_id": visit["visit_id"],
            "frame_id": best["frame_id"],
            "box_xyxy_rel": best["box_xyxy_rel"],
            "deliveries": [],
            "escalation": [],
            "answers": [],
            "notes": [],
            "joined": [],
            "trace": dict.fromkeys(("arrived_at", "received_at", "labelled_at", "stored_at", "published_at"))
            | {"captured_at": at, "decided_at": at},
        }
        self.alerts.append(alert)
        return alert

    def take(self, alert: dict[str, Any], who: str) -> None:
        answer = {"kind": "taken", "by": f"user:{who}", "name": who, "is_you": False, "at": alert["captured_at"]}
        alert["answers"].append(answer)

    def name_of(self, camera: str) -> str:
        return str(next((c["name"] for c in self.site.cameras if c["camera_id"] == camera), camera))

    def page(self, asked: Asked, name: str, rows: list[dict[str, Any]], at: str) -> dict[str, Any]:
        self.note(asked)
        cameras, labels = asked.all_of("camera"), [each.lower() for each in asked.all_of("label")]
        start, end = (datetime.fromisoformat(asked.query[n]) if n in asked.query else None for n in ("from", "to"))
        found = [
            row
            for row in sorted(rows, key=lambda row: (row[at], row.get("visit_id")), reverse=True)
            if (not cameras or row["camera_id"] in cameras)
            and (not labels or row["label"].lower() in labels)
            and (start is None or datetime.fromisoformat(row[at]) >= start)
            and (end is None or datetime.fromisoformat(row[at]) < end)
        ]
        skip, limit = int(asked.query.get("cursor", 0)), int(asked.query.get("limit", 24))
        page = [self.signed(row) for row in found[skip : skip + limit]]
        return {name: page, "next_cursor": str(skip + limit) if len(found) > skip + limit else None}

    def signed(self, row: dict[str, Any]) -> dict[str, Any]:
        if "best" in row:
            return row | {"best": row["best"] | self.site.picture_of(row["best"]["frame_id"])}
        return row | self.site.picture_of(row["frame_id"])

    def stats(self, asked: Asked) -> dict[str, Any]:
        self.note(asked)
        if self.counts is None:
            raise Refused(404, "not_found", "No such resource.")
        start, end = (datetime.fromisoformat(asked.query[name]) for name in ("from", "to"))
        step = timedelta(seconds=int(asked.query["step"]))
        steps = [start + step * n for n in range(int((end - start) / step))]
        cameras = asked.all_of("camera") or [str(camera["camera_id"]) for camera in self.site.cameras]
        return {
            "from": rfc3339(start),
            "to": rfc3339(end),
            "step_s": int(asked.query["step"]),
            "cameras": [
                {"camera_id": camera, "buckets": [self.bucket(camera, at) for at in steps]} for camera in cameras
            ],
            "counted_until": rfc3339(datetime.now(UTC)),
        }

    def bucket(self, camera: str, at: datetime) -> dict[str, Any]:
        assert self.counts
        frames, watched = self.counts(camera, at)
        return {
            "at": rfc3339(at),
            "frames": frames,
            "by_gate_reason": {"motion": frames},
            "by_analysis": {"analysed": frames},
            "jpeg_bytes": 90_000 * frames,
            "by_label": {"Person": watched},
            "watch_frames": watched,
            "edge": None,
        }

    def note(self, asked: Asked) -> None:
        self.asked.append(asked)
        unknown = asked.query.keys() - KNOWN[asked.path]
        if unknown:
            raise Refused(400, "invalid_parameter", f"unknown parameter {min(unknown)!r}")
        if "" in asked.query.values():
            raise Refused(400, "invalid_parameter", "a parameter is empty; leave it out or give it a value")
