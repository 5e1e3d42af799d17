"""In-memory fakes of what holds the budget, and a site and its spending to try it with."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from framewatch.domain.budget import BudgetChange, BudgetPin, BudgetState
from framewatch.domain.edge_control import EdgeControl
from framewatch.domain.errors import WriteConflict
from framewatch.domain.site import SiteConfig
from framewatch.domain.spend import CameraSpend, Spend
from framewatch.wire.edge_control import decode_edge_control, encode_edge_control
from tests.fakes import Faults

CONTACTS = ({"id": "ana", "phone": "+34600123456"}, {"id": "bo", "phone": "+34600123457"})


@dataclass
class FakeBudgetTable:
    faults: Faults = field(default_factory=Faults)
    stored: BudgetState = field(default_factory=BudgetState)
    decisions: list[tuple[BudgetChange, ...]] = field(default_factory=list)  # oldest first
    set_by: dict[str | None, BudgetPin] = field(default_factory=dict)  # by camera
    writes: int = 0

    def state(self) -> BudgetState:
        self.faults.before("budget state")
        return self.stored

    def put_state(self, state: BudgetState, expires_at: datetime, changes: Sequence[BudgetChange] = ()) -> None:
        self.faults.before("budget put")
        if state.version != self.stored.version:
            raise WriteConflict("budget")
        self.stored = replace(state, version=state.version + 1)
        self.writes += 1
        if changes:
            self.decisions.append(tuple(changes))
        self.faults.after("budget put")

    def changes(self, most: int) -> list[BudgetChange]:
        found: list[BudgetChange] = []
        for decided in reversed(self.decisions):
            if len(found) < most:
                found += decided
        return found

    def pins(self) -> list[BudgetPin]:
        self.faults.before("budget pins")
        return [self.set_by[key] for key in sorted(self.set_by, key=lambda k: k or "")]

    def put_pin(self, pin: BudgetPin, expires_at: datetime) -> None:
        self.faults.before("budget pin put")
        self.set_by[pin.camera_id] = pin
        self.faults.after("budget pin put")


@dataclass
class FakeControls:
    """What boxes find, as they would read it."""

    faults: Faults = field(default_factory=Faults)
    by_box: dict[str, EdgeControl] = field(default_factory=dict)
    puts: int = 0

    def put(self, box: str, control: EdgeControl) -> None:
        self.faults.before("control put")
        self.by_box[box] = decode_edge_control(encode_edge_control(control))
        self.puts += 1
        self.faults.after("control put")


@dataclass
class FakeSpend:
    """What was spent by now, as the test says."""

    faults: Faults = field(default_factory=Faults)
    month_usd: float = 0.0
    today_usd: float = 0.0
    standing_usd_per_hour: float = 0.0
    cameras: dict[str, CameraSpend] = field(default_factory=dict)
    asked: int = 0

    def __call__(self, site: SiteConfig, now: datetime) -> Spend:
        self.faults.before("spend")
        self.asked += 1
        spend = spend_of(now, self.month_usd, self.today_usd, cameras=self.cameras)
        return replace(spend, standing_usd_per_hour=self.standing_usd_per_hour)


def budget_site(
    budget: dict[str, Any] | None = None, cameras: Sequence[Any] = ("front", "yard"), **more: Any
) -> SiteConfig:
    """cameras: ids, or what the file says of each. Ana hears of it."""
    return SiteConfig.model_validate(
        {
            "site": {"name": "Shop", "time_zone": "Europe/Madrid"},
            "cameras": [{"id": c} if isinstance(c, str) else c for c in cameras],
            "contacts": CONTACTS,
            "budget": {"notify": ["ana"], **(budget or {})},
            **more,
        }
    )


def spend_of(
    at: datetime,
    month_usd: float = 0.0,
    today_usd: float = 0.0,
    *,
    standing_usd_per_hour: float = 0.0,
    usd_per_kept_frame: float = 0.0,
    cameras: dict[str, CameraSpend] | None = None,
) -> Spend:
    """at: on a day that is the same in Madrid."""
    return Spend(
        day=at.date(),
        month=at.date().replace(day=1),
        today_usd=today_usd,
        month_usd=month_usd,
        standing_usd_per_hour=standing_usd_per_hour,
        usd_per_kept_frame=usd_per_kept_frame,
        usd_per_analysis=0.001,
        by_camera=cameras or {},
        known_until=at,
    )
