"""Alerts, visits and snoozes of a fake site, and those who act on them: each signs in under a name of their own."""

from __future__ import annotations

import base64
import copy
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.browser.fake_site import Asked, FakeSite, Refused
from tests.browser.fake_values import PERSON, PERSON_BOX, rfc3339

KINDS = {"taken", "snoozed", "false-alarm", "closed"}
FILTERS = {"camera", "label", "rule", "severity", "zone", "min_confidence", "answered", "state", "from", "to"}
View = dict[str, Any]


@dataclass
class FakeReview:
    """Alerts are kept newest first. `names` of access tokens: who is who."""

    site: FakeSite
    alerts: list[View] = field(default_factory=list)
    visits: list[View] = field(default_factory=list)
    withheld: list[View] = field(default_factory=list)
    # by rule and scope
    snoozes: dict[tuple[str, str], View] = field(default_factory=dict)
    seen_until: dict[str, str] = field(default_factory=dict)
    limits: View | None = None
    asked: list[Asked] = field(default_factory=list)
    # (status, code, message): what actions are answered
    actions_refused: tuple[int, str, str] | None = None
    _made: int = 0

    def __post_init__(self) -> None:
        self.site.routes |= {
            "/v1/me": self.me,
            "/v1/alerts": self.page_of_alerts,
            "/v1/visits": lambda asked: self.page(asked, "visits", self.visits, "first_seen"),
            "/v1/withheld": lambda asked: self.page(asked, "withheld", self.withheld, "visit_from"),
            "/v1/limits": self.read_limits,
            "/v1/snoozes": lambda asked: {"snoozes": [self.seen_by(asked, s) for s in self.snoozes.values()]},
        }
        self.site.actions |= {
            "/v1/alerts/answer": self.answer,
            "/v1/alerts/notes": self.note,
            "/v1/limits": self.set_limits,
            "/v1/snoozes/end": self.end_snooze,
            "/v1/me/seen": self.mark_seen,
        }

    def add(self, *, age_s: float, label: str = "Person", picture: bool = True, **change: Any) -> View:
        camera = change.pop("camera_id", "front-door")
        captured = datetime.now(UTC) - timedelta(seconds=age_s)
        at = rfc3339(captured)
        frame_id = f"{camera}.none"
        if picture:
            frame_id = self.site.add(PERSON, camera=camera, at=captured)["frame_id"]
        self._made += 1
        name = next((c["name"] for c in self.site.cameras if c["camera_id"] == camera), camera)
        alert = {
            "alert_id": f"{camera}/{label}/{self._made:05d}/after-hours",
            "rule_id": "after-hours",
            "severity": "alert",
            "state": "sent",
            "camera_id": camera,
            "camera_name": name,
            "label": label,
            "confidence": 97.1,
            "captured_at": at,
            "decided_at": later(at, 1.31),
            "visit_id": f"{camera}/{label}/{self._made:05d}",
            "frame_id": frame_id,
            "box_xyxy_rel": list(PERSON_BOX),
            "deliveries": [{"contact_id": "ana", "state": "sent", "at": later(at, 2.1), "reason": None}],
            "escalation": [{"contact_id": "bo", "told": False, "at": None}],
            "escalates_at": later(at, 302.1),
            "answers": [],
            "notes": [],
            "joined": [],
            "trace": {
                "captured_at": at,
                "arrived_at": later(at, 0.21),
                "received_at": later(at, 0.34),
                "labelled_at": later(at, 1.12),
                "stored_at": later(at, 1.25),
                "decided_at": later(at, 1.31),
                "published_at": later(at, 2.1),
            },
            **change,
        }
        with self.site.lock:
            self.alerts.append(alert)
            self.alerts.sort(key=lambda a: a["captured_at"], reverse=True)
        return alert

    def add_plain(self, count: int, *, start_age_s: float, step_s: float) -> None:
        """Alerts without pictures of their own: many, at once."""
        for index in range(count):
            self.add(age_s=start_age_s + index * step_s, picture=False, camera_id=("front-door", "yard")[index % 2])

    def add_untold(self, *, age_s: float, reason: str, count: int) -> View:
        """A visit that no rule told, and why."""
        first = datetime.now(UTC) - timedelta(seconds=age_s)
        frame = self.site.add(PERSON, camera="yard", at=first)
        row = {
            "rule_id": "after-hours",
            "reason": reason,
            "first_at": rfc3339(first),
            "last_at": rfc3339(first + timedelta(seconds=count)),
            "count": count,
            "best_confidence": 88.0,
        }
        about = {"visit_id": f"yard/Person/{age_s}", "camera_id": "yard", "camera_name": "Yard", "label": "Person"}
        visit = about | {
            "first_seen": row["first_at"],
            "last_seen": row["last_at"],
            "open": False,
            "frames": count,
            "best": {
                "frame_id": frame["frame_id"],
                "captured_at": frame["captured_at"],
                "confidence": 88.0,
                "box_xyxy_rel": list(PERSON_BOX),
                **self.site.picture_of(frame["frame_id"]),
            },
            "alerts": [],
            "withheld": [row],
        }
        self.visits.insert(0, visit)
        self.withheld.insert(0, about | row | {"visit_from": row["first_at"], "alerted": False})
        return visit

    # -- who asks

    def name_of(self, asked: Asked) -> str:
        if self.site.provider is None:
            return "nobody"
        return (self.site.provider.email_of(asked.authorization) or "nobody").partition("@")[0]

    def role_of(self, asked: Asked) -> str:
        if self.site.provider is None:
            return self.site.role
        return (self.site.provider.groups_of(asked.authorization) or ("none",))[0]

    def me(self, asked: Asked) -> View:
        name = self.name_of(asked)
        return {
            "subject": name,
            "username": name,
            "name": name,
            "role": self.role_of(asked),
            "seen_until": self.seen_until.get(name),
        }

    def person(self, asked: Asked) -> View:
        name = self.name_of(asked)
        return {"by": f"user:{name}", "name": name}

    def seen_by(self, asked: Asked, view: View) -> View:
        """With `is_you`, and links that work."""
        seen = copy.deepcopy(view)
        for said in [seen, *seen.get("answers", []), *seen.get("notes", [])]:
            if "by" in said:
                said["is_you"] = said["by"] == self.person(asked)["by"]
        return seen

    # -- what is read

    def page_of_alerts(self, asked: Asked) -> View:
        if "answered" in asked.query:
            wanted = asked.query["answered"] == "true"
            alerts = [a for a in self.alerts if bool(a["answers"]) == wanted]
        else:
            alerts = self.alerts
        for name in ("label", "severity"):
            if name in asked.query:
                alerts = [a for a in alerts if a[name].lower() == asked.query[name].lower()]
        if "rule" in asked.query:
            alerts = [a for a in alerts if a["rule_id"] == asked.query["rule"]]
        page = self.page(asked, "alerts", alerts, "captured_at")
        kept = {f["frame_id"] for f in self.site.frames}
        nothing = {"image_url": None, "image_url_expires_at": None}
        return page | {
            "alerts": [
                a | (self.site.picture_of(a["frame_id"]) if a["frame_id"] in kept else nothing)
                for a in page["alerts"]
            ]
        }

    def page(self, asked: Asked, name: str, rows: list[View], at: str) -> View:
        query = asked.query
        self.asked.append(asked)
        if unknown := query.keys() - FILTERS - {"limit", "cursor"}:
            raise Refused(400, "invalid_parameter", f"unknown parameter {min(unknown)!r}")
        cameras = asked.all_of("camera")
        before = json.loads(base64.urlsafe_b64decode(query["cursor"])) if "cursor" in query else None
        found = [
            row
            for row in rows
            if (not cameras or row["camera_id"] in cameras)
            and ("from" not in query or moment(row[at]) >= moment(query["from"]))
            and ("to" not in query or moment(row[at]) < moment(query["to"]))
            and (before is None or row[at] < before)
        ]
        limit = int(query.get("limit", 24))
        more = len(found) > limit
        cursor = base64.urlsafe_b64encode(json.dumps(found[limit - 1][at]).encode()).decode() if more else None
        return {name: [self.seen_by(asked, row) for row in found[:limit]], "next_cursor": cursor}

    # -- what is done

    def answer(self, asked: Asked) -> View:
        alert, now = self.acted_on(asked), rfc3339(datetime.now(UTC))
        kind = asked.body["kind"]
        if kind not in KINDS:
            raise Refused(400, "invalid_parameter", f"kind: must be one of {', '.join(sorted(KINDS))}")
        if not any(given["kind"] == kind for given in alert["answers"]):
            alert["answers"].append({"kind": kind, "at": now, **self.person(asked)})
            alert["escalates_at"] = None
        until = None
        if kind == "snoozed":
            until = later(now, 60 * asked.body.get("minutes", 30))
            self.snooze(alert["rule_id"], alert["camera_id"], until, self.person(asked))
        stands = next(given for given in alert["answers"] if given["kind"] == kind)
        return {"answer": self.seen_by(asked, stands), "snoozed_until": until, "alert": self.acted(asked, alert)}

    def snooze(self, rule: str, camera: str, until: str, by: View) -> None:
        self.snoozes[rule, camera] = {
            "rule_id": rule,
            "scope": camera,
            "camera_ids": [camera],
            "until": until,
            **by,
        }

    def note(self, asked: Asked) -> View:
        alert = self.acted_on(asked)
        alert["notes"].append({"text": asked.body["text"], "at": rfc3339(datetime.now(UTC)), **self.person(asked)})
        return self.acted(asked, alert)

    def end_snooze(self, asked: Asked) -> View:
        self.let_in(asked, "admin")
        ended = self.snoozes.pop((asked.body["rule"], asked.body["scope"]), None)
        if ended is None:
            raise Refused(404, "not_found", "there is no such snooze")
        by = {**self.person(asked), "is_you": True}
        now = rfc3339(datetime.now(UTC))
        return {"rule_id": ended["rule_id"], "scope": ended["scope"], "over_since": now, "ended_by": by}

    def read_limits(self, asked: Asked) -> View:
        seen = self.seen_by(asked, {"override": self.limits})["override"]
        if seen is not None:
            seen["is_you"] = seen["by"] == self.person(asked)["by"]
        site_file = {
            "per_contact_and_hour": 10,
            "per_day": 100,
            "monthly_budget_usd": None,
            "usd_per_text": 0.08,
            "critical_passes": True,
        }
        said = {name: seen[name] for name in site_file if seen is not None and seen.get(name) is not None}
        holds = {**site_file, **said}
        left = max(holds["per_day"] - 12, 0)
        used = {"day": "2026-11-21", "texts": 12, "texts_left": left, "month": "2026-11-01", "spent_usd": 0.96}
        return {"site_file": site_file, "holds": holds, "override": seen, "used": {**used, "usd_left": None}}

    def set_limits(self, asked: Asked) -> View:
        self.let_in(asked, "admin")
        now = datetime.now(UTC)
        names = ("per_contact_and_hour", "per_day", "monthly_budget_usd")
        over = datetime.fromisoformat(asked.body["until"]) <= now
        said = {name: asked.body.get(name) for name in names}
        set_by = {**self.person(asked), "at": rfc3339(now), "until": asked.body["until"]}
        self.limits = None if over else {**set_by, **said}
        return self.read_limits(asked)

    def mark_seen(self, asked: Asked) -> View:
        name, until = self.name_of(asked), asked.body["until"]
        self.seen_until[name] = max(until, self.seen_until.get(name, until))
        return self.me(asked)

    def acted_on(self, asked: Asked) -> View:
        self.let_in(asked, "operator", "admin")
        if self.actions_refused:
            raise Refused(*self.actions_refused)
        for alert in self.alerts:
            reference = {"camera": alert["camera_id"], **{n: alert[n] for n in ("captured_at", "alert_id")}}
            if reference.items() <= asked.body.items():
                return alert
        raise Refused(404, "not_found", "there is no such alert any more")

    def let_in(self, asked: Asked, *roles: str) -> None:
        if self.role_of(asked) not in roles:
            raise Refused(403, "forbidden", f"This needs the role {roles[0]}.")

    def acted(self, asked: Asked, alert: View) -> View:
        return self.seen_by(asked, alert) | {"image_url": None, "image_url_expires_at": None}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def later(at: str, seconds: float) -> str:
    return rfc3339(moment(at) + timedelta(seconds=seconds))
