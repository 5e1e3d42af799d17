"""The estimator's constants against what the services really ask of DynamoDB, counted on the wire.

Stated errors: of what a frame writes, a tenth; of the smaller rest, a third. A change to how frames, visits or counts
are stored fails here until the constants of domain/estimate.py follow.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from framewatch.adapters.aws.alert_table import DynamoAlertTable
from framewatch.adapters.aws.count_table import DynamoCountTable
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.frame_pages import DynamoFramePages
from framewatch.adapters.aws.frame_table import DynamoFrameTable
from framewatch.adapters.aws.heartbeat_table import DynamoHeartbeatTable
from framewatch.adapters.aws.trouble_table import DynamoHealthTable, DynamoTroubleTable
from framewatch.adapters.aws.visit_table import DynamoVisitTable
from framewatch.domain import estimate as model
from framewatch.domain.labels import Instance, Label
from framewatch.domain.site import SiteConfig
from framewatch.services.list_cameras import CameraDeps, list_cameras
from framewatch.services.process_frames import process_batch
from framewatch.services.processing import Deps
from framewatch.services.watch_over import WatchDeps, watch_over
from tests.aws import TABLE, create_table, set_credentials
from tests.batches import record
from tests.fakes import FakeBudget
from tests.frames import PERSON
from tests.tables import OneAtATime
from tests.units import Units, counted_units, item_bytes
from tests.watch_fakes import PASS_S, WatchWorld

SNAPSHOTS = Path(__file__).resolve().parents[1] / "infra" / "snapshots"
LABELS = 12
SITE = {
    "cameras": [{"id": "front"}, {"id": "yard"}],
    "contacts": [{"id": "ana", "phone": "+34600123456"}],
    "watch": {"labels": ["Person"], "notify": ["ana"]},
}


def things(count: int) -> list[Label]:
    """As Rekognition names those of a street: some in boxes, all below others."""
    box = Instance((0.1, 0.2, 0.3, 0.4), 80.0)
    return [
        Label(
            f"Thing {n}",
            80 + n / 4,
            (box,) if n < 4 else (),
            parents=("Vehicle", "Transportation"),
            categories=("Vehicles and Automotive",),
        )
        for n in range(count)
    ]


@dataclass
class Stack:
    """The services over a table on moto; what is not DynamoDB is faked."""

    client: Any
    world: WatchWorld
    deps: Deps
    watching: WatchDeps
    frames: int = 0

    def see(self, count: int, *labels: Label) -> Units:
        """A frame a second, each in a batch of its own, as they come from one camera."""
        with counted_units(self.client) as units:
            for _ in range(count):
                self.frames += 1
                self.world.clock.advance(1)
                at = (self.world.clock.now() - self.started_at).total_seconds()
                outcome = process_batch([record(self.world, self.frames, *labels, at=at)], self.deps, lambda: 300.0)
                assert not outcome.failed_record_ids
        return units

    def minutes(self, count: int) -> Units:
        """Of the watchdog alone; heartbeats come in between."""
        read = written = 0.0
        for _ in range(count):
            self.world.clock.advance(60)
            self.world.beat()
            with counted_units(self.client) as units:
                watch_over(self.watching, lambda: PASS_S)
            read, written = read + units.read, written + units.written
        return Units(read / count, written / count)

    def __post_init__(self) -> None:
        self.started_at = self.world.clock.now()


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    set_credentials(monkeypatch)
    with mock_aws():
        client = boto3.client("dynamodb")
        create_table(client)
        at_once = OneAtATime(client)
        table = DynamoTable(at_once, TABLE)
        world = WatchWorld(SiteConfig.model_validate(SITE))
        alerts, beats, health = DynamoAlertTable(table), DynamoHeartbeatTable(table), DynamoHealthTable(table)
        world.heartbeats, world.health = beats, health  # type: ignore[assignment]
        sending = replace(world.sending(), alerts=alerts)
        deps = replace(
            world.deps(),
            frames=DynamoFrameTable(table),
            visits=DynamoVisitTable(table),
            alerts=alerts,
            sending=sending,
            heartbeats=beats,
            recounts=DynamoCountTable(table),
        )
        watching = replace(
            world.watch_deps(),
            sending=sending,
            heartbeats=beats,
            frames=DynamoFramePages(at_once, TABLE, world.clock),
            troubles=DynamoTroubleTable(table),
            health=health,
            counts=DynamoCountTable(table),
            visits=DynamoVisitTable(table).newest_first,
        )
        yield Stack(client, world, deps, watching)


def test_the_functions_have_the_memory_that_the_model_says() -> None:
    memory: dict[str, Decimal] = {}
    for part in ("processing", "api"):
        resources = json.loads((SNAPSHOTS / f"{part}.json").read_text("utf-8"))["Resources"]
        memory |= {
            name: Decimal(resource["Properties"]["MemorySize"]) / 1024
            for name, resource in resources.items()
            if resource["Type"] == "AWS::Lambda::Function"
        }

    def of(function: str) -> Decimal:
        return next(gb for name, gb in memory.items() if name.startswith(function))

    assert (of("ImageProcessor"), of("Watchdog")) == (model.PROCESSOR_GB, model.WATCHDOG_GB)
    assert of("FrameFetcher") == model.API_GB


@pytest.mark.parametrize("labels", [0, 6, LABELS, 20])
def test_a_frame_without_a_watched_label_writes_what_the_model_says(stack: Stack, labels: int) -> None:
    stack.see(1, *things(labels))  # pointers of the day, once
    counted = stack.see(8, *things(labels))
    assert counted.written / 8 == pytest.approx(model.frame_write_units(labels, watched=False), rel=0.1)
    assert counted.read / 8 == pytest.approx(model.FRAME_READ_UNITS, rel=0.1)


@pytest.mark.parametrize("labels", [3, LABELS, 20])
def test_a_watched_frame_writes_what_the_model_says(stack: Stack, labels: int) -> None:
    seen = [*things(labels - 1), PERSON]
    stack.see(1, *seen)  # its alert, and pointers
    counted = stack.see(12, *seen)
    assert counted.written / 12 == pytest.approx(model.frame_write_units(labels, watched=True), rel=0.1)
    assert counted.read / 12 == pytest.approx(model.FRAME_READ_UNITS + model.VISIT_READ_UNITS, rel=0.34)


def test_an_alert_writes_about_what_the_model_says(stack: Stack) -> None:
    stack.see(1, *things(2), PERSON)
    stack.world.clock.advance(3600)  # another visit, whose pointers are known
    before = len(stack.world.texts.sent)
    counted = stack.see(1, *things(2), PERSON)
    assert len(stack.world.texts.sent) == before + 1
    alert = counted.written - model.frame_write_units(3, watched=True)
    assert alert == pytest.approx(model.ALERT_WRITE_UNITS, rel=0.34)


def test_what_lies_in_the_table_weighs_what_the_model_says(stack: Stack) -> None:
    stack.see(1, *things(LABELS))
    before = stored_bytes(stack)
    stack.see(5, *things(LABELS))
    items = 5 * model.frame_items(LABELS, watched=False)
    expected = items * (model.FRAME_BYTES + LABELS * model.LABEL_BYTES)
    assert stored_bytes(stack) - before == pytest.approx(expected, rel=0.1)


def stored_bytes(stack: Stack) -> int:
    pages = stack.client.get_paginator("scan").paginate(TableName=TABLE)
    return sum(item_bytes(item) for page in pages for item in page["Items"])


def test_a_quiet_minute_of_the_watchdog_is_what_the_model_says(stack: Stack) -> None:
    stack.world.live("box-1", "front", "yard")
    stack.minutes(3)
    quiet = stack.minutes(12)
    read = model.WATCHDOG_READ_UNITS + 2 * model.WATCHDOG_READ_UNITS_A_CAMERA
    written = model.WATCHDOG_WRITE_UNITS + 2 * model.WATCHDOG_WRITE_UNITS_A_CAMERA
    assert quiet.read == pytest.approx(float(read), rel=0.34)
    assert quiet.written == pytest.approx(float(written), rel=0.34)


def test_a_minute_on_the_wall_reads_about_what_the_model_says(stack: Stack) -> None:
    stack.world.live("box-1", "front", "yard")
    stack.world.beat()
    stack.see(1, *things(LABELS))
    deps = CameraDeps(
        site=stack.world.site,
        heartbeats=stack.deps.heartbeats,
        troubles=stack.watching.troubles,
        frames=stack.watching.frames,
        images=stack.world.images,
        clock=stack.world.clock,
        image_url_ttl=timedelta(minutes=15),
        budget=FakeBudget(),  # read once in a while, and not with each poll
    )
    with counted_units(stack.client) as units:
        list_cameras(deps)
    expected = model.WALL_READ_UNITS + 2 * model.WALL_READ_UNITS_A_CAMERA
    assert units.read == pytest.approx(float(expected), rel=0.34)
