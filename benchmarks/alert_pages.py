"""What a page of GET /v1/alerts and /v1/visits costs on 1,000 and on 100,000 stored ones of 4 cameras: the same.

    python -m benchmarks.alert_pages [1000000]      prints a table; exits 1 when a cost grows

Given, the larger number; a million takes 5 GB and four minutes of CPU.

Counted as in frame_pages: the function's handler on a DynamoDB that moto plays, its queries, the items that DynamoDB
had to look at, and read units by DynamoDB's rule. The span is the same for both sizes, so that each partition holds a
hundred times as many.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from moto import mock_aws
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item

from benchmarks.frame_pages import ACCOUNT, CAMERAS, LARGE, NEWEST, REGION, SMALL, TABLE, Cost, measure, set_up
from framewatch.adapters.aws.alert_items import alert_item
from framewatch.adapters.aws.dynamo import make_item
from framewatch.domain.alert_settings import Severity
from framewatch.domain.alerts import Alert
from framewatch.domain.visits import AlertState, Visit, VisitSighting
from framewatch.wire.items import day_of, visit_days_key, visit_sort_key
from framewatch.wire.visit_items import StoredVisit

# One day, so that a page of 100 fits into what the smaller holds of it.
SPAN = timedelta(hours=18)
BOX = (0.1, 0.2, 0.3, 0.9)
KEPT = timedelta(days=90)


@dataclass
class Scenario:
    name: str
    path: str
    query: dict[str, str]
    page: int = 1


SCENARIOS = [
    Scenario("alerts, first page", "/v1/alerts", {}),
    Scenario("alerts, page of 100", "/v1/alerts", {"limit": "100"}),
    Scenario("alerts, fourth page", "/v1/alerts", {}, page=4),
    Scenario("alerts, one camera", "/v1/alerts", {"camera": "back"}),
    Scenario("alerts, one in four", "/v1/alerts", {"severity": "critical"}),
    Scenario("visits, first page", "/v1/visits", {}),
    Scenario("visits, fourth page", "/v1/visits", {}, page=4),
    Scenario("visits, a label", "/v1/visits", {"label": "person"}),
]


def at_of(n: int, count: int) -> datetime:
    return NEWEST - timedelta(seconds=1) - n * SPAN / count


def alert_of(n: int, count: int) -> dict[str, Any]:
    camera, at = CAMERAS[n % 4], at_of(n, count)
    frame_id = f"{camera}.20260101T000000Zabcdef.{count - n:010d}"
    alert = Alert(
        alert_id=f"{frame_id}/Person/people",
        rule_id="people",
        scope=camera,
        visit_id=f"{frame_id}/Person",
        camera_id=camera,
        label="Person",
        confidence=91.5,
        frame_id=frame_id,
        captured_at=at,
        decided_at=at + timedelta(seconds=1),
        notify=("ana",),
        # Of each camera's one in four, so that a filter has to look further.
        severity=Severity.CRITICAL if n // 4 % 4 == 0 else Severity.ALERT,
        box_xyxy_rel=BOX,
        state=AlertState.SENT,
    )
    return alert_item(alert, NEWEST + KEPT)


def visit_of(n: int, count: int) -> dict[str, Any]:
    camera, at = CAMERAS[n % 4], at_of(n, count)
    label = "Person" if n // 4 % 4 == 0 else "Car"
    frame_id = f"{camera}.20260101T000000Zabcdef.{count - n:010d}"
    best = VisitSighting(frame_id, at, 91.5, BOX)
    visit = Visit(f"{frame_id}/{label}", camera, label, at, at + timedelta(seconds=1), 2, best, version=1)
    body = StoredVisit.of(visit).model_dump_json()
    key = (visit_days_key(camera, day_of(at)), visit_sort_key(visit))
    return make_item(key, NEWEST + KEPT, body, version={"N": "1"})


def fill(make: Callable[[int, int], dict[str, Any]], count: int) -> None:
    items = dynamodb_backends[ACCOUNT][REGION].tables[TABLE].items
    items.clear()
    for n in range(count):
        raw = make(n, count)
        pk, sk = DynamoType(raw["pk"]), DynamoType(raw["sk"])
        items[pk][sk] = Item(pk, sk, raw)


def main(large_size: int = LARGE) -> int:
    sizes = (SMALL, large_size)
    costs: dict[tuple[str, int], Cost] = {}
    with mock_aws():
        set_up()
        for path, make in (("/v1/alerts", alert_of), ("/v1/visits", visit_of)):
            for size in sizes:
                fill(make, size)
                for scenario in SCENARIOS:
                    if scenario.path == path:
                        costs[scenario.name, size] = measure(path, scenario.query, scenario.page)
    wrong = []
    print(f"{'':22}  shown   queries at        items at          read units at")
    print(f"{'':22}         {f'{SMALL:7,}{large_size:11,}' * 3}")
    for scenario in SCENARIOS:
        small, large = (costs[scenario.name, size] for size in sizes)
        print(
            f"{scenario.name:22}  {small.frames:5}  {small.queries:7}{large.queries:11}{small.items:7}"
            f"{large.items:11}{small.read_units:7g}{large.read_units:11g}"
        )
        if small != large:
            wrong.append(f"{scenario.name}: costs more or less on {large_size:,} than on {SMALL:,}")
    print("\n".join(wrong) or "the same at both sizes")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
