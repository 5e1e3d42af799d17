"""Frames that come twice, processes that die anywhere, answers that never come: what is counted, and what is true.

Unique frames are exact, for they are counted from what is stored. Billed calls are what the vision service would
write on its bill: they may be wrong by what a process had not said when it died, and by attempts without an answer.
"""

import random
from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from operator import itemgetter

import pytest

from framewatch.adapters.memory_use import MemoryUse
from framewatch.domain.analysis import Analysis
from framewatch.domain.errors import VisionUnavailable
from framewatch.domain.labels import Label
from framewatch.domain.usage import UsageKind
from framewatch.domain.use import ProcessUse
from framewatch.services.frame_merge import FrameRead, Slice
from framewatch.services.meter_use import EVERY, UseLedger
from framewatch.services.ports import RawRecord
from framewatch.services.process_frames import process_batch
from framewatch.wire.frame_items import StoredFrame
from framewatch.wire.items import index_name
from tests.fakes import Crash, FakeFrames, FakeVision, Faults, make_site
from tests.frames import NOON, PERSON, make_frame, make_record
from tests.watch_fakes import FakePages, WatchWorld

CAMERAS = ("front", "yard")
BATCH = 50
UNITS_A_FRAME = 4
"""What storing one writes, about: itself, its labels' items, the marks of its visits."""


class BilledVision(FakeVision):
    """billed: what is on the service's bill. Some attempts time out, before the service saw them or after."""

    def __init__(self, faults: Faults, rng: random.Random) -> None:
        super().__init__(faults)
        self.rng = rng
        self.ledger: UseLedger
        self.billed = self.unanswered = 0
        self.lucky = False

    def detect(self, jpeg: bytes, *, min_confidence: float, max_labels: int) -> list[Label]:
        self.faults.before("detect")
        chance = 1.0 if self.lucky else self.rng.random()
        if chance > 0.005:
            self.billed += 1
        self.faults.before("answer")  # who dies here is billed and has counted nothing
        self.ledger.count(UsageKind.IMAGES_ANALYSED)
        self.faults.after("detect")
        if chance < 0.01:
            self.unanswered += 1
            raise VisionUnavailable("no answer came")
        return list(self.answers.get(jpeg, []))  # type: ignore[arg-type]


class MeteredFrames(FakeFrames):
    ledger: UseLedger

    def put(self, frame: StoredFrame, expires_at: datetime) -> bool:
        self.ledger.count(UsageKind.DYNAMODB_WRITE_UNITS, UNITS_A_FRAME)
        return super().put(frame, expires_at)


class SortedPages(FakePages):
    """As fast with ten thousand frames as with ten."""

    def __init__(self) -> None:
        super().__init__()
        self.sorted: dict[str, list[tuple[str, StoredFrame]]] = {}
        self.known = 0

    def learn(self, stored: dict[str, StoredFrame]) -> None:
        """stored: grows at its end."""
        for frame in islice(stored.values(), self.known, None):
            insort(
                self.sorted.setdefault(index_name(frame.camera_id), []), (frame.sort_key, frame), key=itemgetter(0)
            )
        self.known = len(stored)

    def query(self, read: FrameRead) -> Slice:
        found = self.sorted.get(read.index, [])
        first = bisect_left(found, read.from_sk or "", key=itemgetter(0))
        end = bisect_left(found, read.before_sk, key=itemgetter(0))
        shown = [frame for _, frame in reversed(found[max(first, end - read.limit) : end])]
        return Slice(shown, len(shown), shown[-1].sort_key if end - first > len(shown) else None)


class MortalUse(MemoryUse):
    """Who says what it has used may die before it is written, or after."""

    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self.faults = faults

    def put_process(self, use: ProcessUse, expires_at: datetime) -> None:
        self.faults.before("use put")
        super().put_process(use, expires_at)
        self.faults.after("use put")


class MeteredWorld(WatchWorld):
    def __init__(self, seed: int) -> None:
        super().__init__(make_site(watchdog={"enabled": False}))
        self.rng = random.Random(seed)  # noqa: S311
        self.workers = 1
        self.vision = self.service = BilledVision(self.faults, self.rng)
        self.frames = self.metered = MeteredFrames(self.faults)
        self.use = MortalUse(self.faults)
        self.pages = self.sorted_pages = SortedPages()
        self.deaths = self.delivered = self.billed_in_death = 0
        self.start()

    def start(self) -> None:
        """A new process."""
        ledger = UseLedger("image_processor", self.clock)
        ledger.keep_in(self.use)
        self.ledger = self.service.ledger = self.metered.ledger = ledger

    def deliver(self, records: Sequence[RawRecord], chance_of_death: float) -> None:
        """As an event source does: from the lowest that failed, all of it after a death; until it is done."""
        left = list(records)
        while left:
            self.delivered += len(left)
            self.faults.clear()
            if self.rng.random() < chance_of_death:
                self.faults.crash_at(self.rng.randrange(8 * len(left)))
            billed = self.service.billed
            try:
                failed = process_batch(left, self.deps(), lambda: 300.0).failed_record_ids
                self.ledger.say_if_due()
            except Crash:
                self.deaths += 1
                self.billed_in_death += self.service.billed - billed
                self.start()
                continue
            left = left[[r.record_id for r in left].index(failed[0]) :] if failed else []
        self.faults.clear()

    def watch(self, chance_of_death: float) -> None:
        """A pass of the watchdog, which may die in it: the next makes up for it."""
        self.sorted_pages.learn(self.frames.stored)
        if self.rng.random() < chance_of_death:
            self.faults.crash_at(self.rng.randrange(12))
        try:
            self.look()
        except Crash:
            self.deaths += 1
        self.faults.clear()

    def counted(self) -> dict[Analysis, int]:
        """Of all hours of all cameras."""
        found = dict.fromkeys(Analysis, 0)
        for hour in self.counts.by_hour.values():
            for bucket in hour.buckets.values():
                for analysis, frames in bucket.counts.by_analysis.items():
                    found[analysis] += frames
        return {analysis: frames for analysis, frames in found.items() if frames}

    def billed(self) -> dict[str, int]:
        days = self.use.days(NOON.date(), NOON.date() + timedelta(days=1))
        return {i: sum(day.billed_images_by_camera.get(i, 0) for day in days) for i in CAMERAS}


def play(world: MeteredWorld, frames: int, redelivered: float, chance_of_death: float) -> None:
    """So many frames of two cameras, one a second each; a watchdog's pass a minute."""
    sent: list[RawRecord] = []
    for first in range(0, frames, BATCH):
        batch = []
        for seq in range(first, first + BATCH):
            frame = make_frame(seq, camera_id=CAMERAS[seq % 2], at=seq / 2)
            if seq % 500 < 5:
                world.vision.see(frame.jpeg, [PERSON])
            batch.append(make_record(frame))
        again = world.rng.sample(sent, min(len(sent), round(redelivered * BATCH)))
        sent = [*sent, *batch][-5 * BATCH :]
        world.deliver([*batch, *again], chance_of_death)
        world.clock.at = NOON + timedelta(seconds=(first + BATCH) / 2)
        if first // BATCH % 2:
            world.watch(chance_of_death)
    for _ in range(30):  # until everything has settled
        world.clock.advance(60)
        world.ledger.count(UsageKind.LAMBDA_REQUESTS)
        world.ledger.say_if_due()
        world.watch(0.0)


def check(world: MeteredWorld, frames: int) -> None:
    assert world.counted() == {Analysis.ANALYSED: frames}
    assert sum(day.counts.frames for day in world.counts.by_day.values()) == frames
    counted, true = sum(world.billed().values()), world.service.billed
    # When it last could have spoken, a dead process had less unsaid than makes it speak; then it worked at one batch.
    # An image that was stored is five units; one that had no answer is one.
    unsaid_at_most = world.deaths * EVERY // (1 + UNITS_A_FRAME) + world.service.unanswered
    lost_at_most = unsaid_at_most + world.billed_in_death
    assert lost_at_most < 0.5 * true  # or this would say nothing
    assert true - lost_at_most <= counted <= true + world.service.unanswered


def test_of_10000_frames_5_percent_redelivered_with_deaths_anywhere_each_is_counted_once() -> None:
    world = MeteredWorld(seed=1)
    play(world, 10_000, redelivered=0.05, chance_of_death=0.15)
    check(world, 10_000)
    # It was no idle run: much came again, many died, and what is billed is not what is unique.
    assert world.delivered > 1.05 * 10_000
    assert world.deaths > 20
    assert world.service.unanswered > 50
    assert world.service.billed > 10_000 + 50
    assert sum(world.billed().values()) != world.service.billed


@pytest.mark.parametrize("seed", range(5))
def test_the_error_of_billed_calls_stays_within_its_bound_however_often_processes_die(seed: int) -> None:
    world = MeteredWorld(seed)
    play(world, 1000, redelivered=0.05, chance_of_death=0.15)
    assert world.deaths
    check(world, 1000)


def test_when_nobody_dies_and_every_answer_comes_billed_calls_are_exact() -> None:
    world = MeteredWorld(seed=3)
    world.service.lucky = True
    play(world, 1000, redelivered=0.05, chance_of_death=0.0)
    assert world.billed() == {"front": 500, "yard": 500}
    assert world.service.billed == 1000
    check(world, 1000)


def test_a_watchdogs_sum_that_is_repeated_adds_nothing() -> None:
    world = MeteredWorld(seed=4)
    play(world, 500, redelivered=0.0, chance_of_death=0.0)
    before = world.use.day(NOON.date())
    for _ in range(5):
        world.use.put_day(replace(before, version=world.use.day(NOON.date()).version), NOON)
        world.watch(0.0)
    assert world.use.day(NOON.date()).total == before.total
