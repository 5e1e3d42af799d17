"""What a fake site costs: /v1/costs and /v1/budget, in the shapes of docs/openapi.json."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.browser.fake_site import Asked, FakeSite, Refused
from tests.browser.fake_values import rfc3339

SHARES = {
    "Rekognition": 0.58,
    "Kinesis": 0.16,
    "CloudWatch": 0.08,
    "S3": 0.07,
    "DynamoDB": 0.05,
    "Lambda": 0.03,
    "Text messages": 0.02,
    "API Gateway": 0.01,
}
DAY = timedelta(days=1)
SAVED = {"gate": 240_000, "near-duplicates": 61_000, "screen": 0, "budget": 900}


def step(name: str, *, cause: str = "site-month", since: datetime, until: datetime) -> dict[str, Any]:
    return {"step": name, "cause": cause, "since": rfc3339(since), "until": rfc3339(until)}


@dataclass
class FakeCosts:
    """`day_usd` is what the site costs on each whole day; the site's cameras share it. `steps`: by camera id."""

    site: FakeSite
    now: datetime
    day_usd: float = 2.4
    budget: dict[str, float | None] | None = None
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    # by camera id; "": all
    pins: dict[str, dict[str, Any]] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)
    critical: tuple[str, ...] = ()
    # since when is metered; None: since before the month
    metered_from: datetime | None = None
    whole_site: bool = True
    nothing: bool = False
    asked: list[str | None] = field(default_factory=list)

    def on(self) -> FakeCosts:
        self.site.routes["/v1/costs"] = self.answer
        self.site.routes["/v1/budget"] = lambda _: {"set": list(self.pins.values()), "changes": self.changes}
        self.site.actions["/v1/budget"] = self.set_step
        return self

    def set_step(self, asked: Asked) -> dict[str, Any]:
        body = asked.body
        if not self.whole_site and "camera" not in body:
            raise Refused(403, "forbidden", "the budget is the whole site's")
        camera = body.get("camera")
        ended = self.pins.pop(camera or "", None)
        for each in [camera] if camera else [c["camera_id"] for c in self.site.cameras]:
            if ended:
                self.steps.pop(each, None)
            if body["step"] is not None:
                until = datetime.fromisoformat(body["until"])
                self.steps[each] = step(body["step"], cause="set", since=self.now, until=until)
        if body["step"] is not None:
            who = {"by": "user:bea", "name": "bea", "is_you": True, "at": rfc3339(self.now)}
            self.pins[camera or ""] = {"camera": camera, "step": body["step"], "until": body["until"], **who}
        return {}

    def answer(self, asked: Asked) -> dict[str, Any]:
        zone = ZoneInfo(self.site.time_zone)
        today = self.now.astimezone(zone).date()
        named = asked.query.get("month")
        self.asked.append(named)
        month = date.fromisoformat(f"{named}-01") if named else today.replace(day=1)
        after = (month + 32 * DAY).replace(day=1)
        over = after <= today
        last = after - DAY if over else today
        days = [month + n * DAY for n in range((last - month).days + 1)]
        usd = [0.0 if self.nothing else self.day_usd * (0.8 + 0.4 * ((d.day * 7) % 5) / 4) for d in days]
        if not over:
            usd[-1] *= 0.4
        total, newest = sum(usd), None if over else usd[-1]
        begins, ends = (datetime(d.year, d.month, 1, tzinfo=zone) for d in (month, after))
        forecast = None if over or self.nothing else total + self.day_usd * ((after - today).days - 0.4)
        return {
            "month": month.isoformat(),
            "begins": rfc3339(begins.astimezone(UTC)),
            "ends": rfc3339(ends.astimezone(UTC)),
            "is_over": over,
            "metered_from": None
            if self.nothing
            else rfc3339(max(begins.astimezone(UTC), self.metered_from or begins.astimezone(UTC))),
            "known_until": None if self.nothing else rfc3339(self.now - timedelta(minutes=4)),
            "forecast_since": None if forecast is None else rfc3339(self.metered_from or self.now - 7 * DAY),
            "prices": {"table": "2026-11", "region": "eu-west-1", "as_of": "2026-11-20"},
            "site": {
                "today_usd": newest,
                "month_usd": total,
                "forecast_usd": forecast,
                "standing_usd": total * 0.21,
                "by_service": [
                    {"service": service, "today_usd": newest and newest * share, "month_usd": total * share}
                    for service, share in SHARES.items()
                ],
                "by_day": [
                    {"day": d.isoformat(), "usd": u, "by_service": {s: u * share for s, share in SHARES.items()}}
                    for d, u in zip(days, usd, strict=True)
                    if u
                ],
                "budget": self.budget,
            }
            if self.whole_site
            else None,
            "cameras": [self.camera(n, total, newest, forecast) for n in range(len(self.site.cameras))],
        }

    def camera(self, place: int, total: float, today: float | None, forecast: float | None) -> dict[str, Any]:
        camera = self.site.cameras[place]
        weights = [1 / (n + 1) for n in range(len(self.site.cameras))]
        share = weights[place] / sum(weights)
        images, alerts = round(total * share * 600), round(total * share / 2)
        held = self.steps.get(camera["camera_id"])
        names = ["full", "slower", "zones-only", "watched-only", "keep-only", None]
        return {
            "camera_id": camera["camera_id"],
            "name": camera["name"],
            "today_usd": today and today * share,
            "month_usd": total * share,
            "own_usd": total * share * 0.72,
            "forecast_usd": forecast and forecast * share,
            "frames": round(images * 1.4),
            "images_analysed": images,
            "images_billed": images + images // 500,
            "alerts": alerts,
            "usd_per_alert": total * share / alerts if alerts else None,
            "saved": [
                {"by": by, "frames": 0 if self.nothing else round(n * share), "usd": round(n * share) * 0.0011}
                for by, n in SAVED.items()
            ],
            "budget": None,
            "critical": camera["camera_id"] in self.critical,
            "step": held,
            "next_step": names[names.index(held["step"] if held else "full") + 1],
        }
