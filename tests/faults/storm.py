"""One storm: a seed, the schedule of faults that it gives, a run of recorded frames through the real code, and what
must be true afterwards.

The run: spool and uplink in a process of their own -> Kinesis -> the event source in another -> the image processor's
handler in a third, with its real clients -> table, bucket, texts. Everything between them goes through the proxy.

Afterwards, with calm weather: every frame is stored, or counted with a reason; visits, and which of them were told,
equal those of a calm run of the same frames over fakes; no text is doubled but in its window; nothing waits in the
stream. The calm run knows nothing of networks, processes or batches.
"""

# ruff: noqa: S311  a storm keeps no secret
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from framewatch.adapters.aws.alert_items import alert_key
from framewatch.adapters.aws.alert_table import DynamoAlertTable
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.visit_table import to_visit
from framewatch.domain.alerts import AlertRef
from framewatch.domain.frames import Frame, FrameMeta, Gate
from framewatch.domain.visits import AlertState, Visit
from framewatch.wire.envelope import encode_envelope
from framewatch.wire.frame_items import StoredFrame
from framewatch.wire.items import day_of, days_key, frame_indexes, index_key, index_name
from local_cloud.clients import REGION
from local_cloud.emulator import Sms, local_environment
from tests.faults.doubled import Key, published, token_in, unexplained
from tests.faults.hosts import Host
from tests.faults.plan import Plan
from tests.faults.recorded import calm_visits, recorded_frames
from tests.faults.sky import STREAM, TABLE, Sky, Stream
from tests.faults.weather import Schedule

PATIENCE_S = 150.0
# At most, after the last frame was taken in.
_STORM_GOES_ON_S = 5.0


class StormBroke(AssertionError):
    """A promise did not hold; the message has the seed and all that was wrong."""


@dataclass(slots=True)
class Outcome:
    """Of one storm, for the report."""

    seed: int
    frames: int
    seconds: float
    faults: Counter[str]
    dropped: int
    doubled_texts: int
    kills: int
    files: int
    function_use: tuple[int, int, int] | None
    reader_use: tuple[int, int, int]
    edge_use: list[int] = field(default_factory=list)
    grown: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Over a storm, by process of the box: bytes of memory and open files."""

    def __str__(self) -> str:
        total = sum(self.faults.values())
        return (
            f"seed {self.seed}: {self.frames} frames, {total} faults, {self.kills} kills, {self.dropped} dropped,"
            f" {self.doubled_texts} texts doubled, {self.seconds:.1f} s"
        )


class Source(Protocol):
    """Where a storm's frames come from."""

    def feed(self, storm: "Storm") -> None:
        """Returns when the last frame has been sent or counted; on the way the weather calms down."""
        ...

    def check(self, storm: "Storm", stored: Sequence[Frame]) -> None:
        """Whatever is missing, and not counted, is wrong."""
        ...


class Storm:
    """What every storm has: a plan, the weather, and what must be true afterwards."""

    def __init__(self, above: Sky, plan: Plan) -> None:
        self.sky, self.plan = above, plan
        self.prefix, self.folder = above.next_storm()
        self.rng = random.Random(f"storm/{plan.seed}")
        self.schedule = Schedule(plan.seed, plan.rates, plan.outages)
        self.counted: dict[str, str] = {}  # frame id -> why it is not stored
        self.wrong: list[str] = []
        self.kills = 0
        self.edge_use: list[int] = []
        self.grown: dict[str, tuple[int, int]] = {}
        self.stream: Stream
        self.visits: list[Visit] = []
        self._seen = threading.Condition()
        self._frames_seen = 0

    def run(self, source: Source) -> Outcome:
        """Raises StormBroke."""
        began_s = time.monotonic()
        above, function = self.sky, self.sky.function
        above.proxy.schedule = Schedule(0, {})
        function.ask(watch=STREAM)  # or the storm would be over before the process has come up
        texts_before = {text.message_id for text in above.emulator.texts()}
        kills_before = len(function.kills_s)
        self.stream = Stream(above, self.rng, self.plan.redelivered)
        above.proxy.schedule = self.schedule
        strikes = threading.Thread(target=self._strike)
        strikes.start()
        try:
            source.feed(self)
        finally:
            self.schedule.calm = True
            self.frames_seen(1_000_000)
            strikes.join()
            function.ahead_s = 0.0
        self.stream.calm_down(PATIENCE_S)
        self.stream.finish_alerts()
        self.stream.stop()
        self.wrong += self.stream.wrong
        frames = self._stored_frames()
        source.check(self, frames)
        texts = [text for text in above.emulator.texts() if text.message_id not in texts_before]
        kills_s = function.kills_s[kills_before:]
        self._check_visits(frames)
        doubled = self._check_texts(texts, kills_s)
        if self.wrong:
            said = "\n  ".join(self.wrong)
            raise StormBroke(
                f"{self.plan}:\n  {said}\n"
                f"  {self.plan!r}\n  faults: {dict(self.schedule.happened)}\n{above.logs[-6000:]}"
            )
        faults: Counter[str] = Counter()
        for (service, _, fault), count in self.schedule.happened.items():
            faults[f"{service} {fault}"] += count
        return Outcome(
            seed=self.plan.seed,
            frames=len(frames) + len(self.counted),
            seconds=time.monotonic() - began_s,
            faults=faults,
            dropped=len(self.counted),
            doubled_texts=doubled,
            kills=self.kills + len(kills_s),
            files=len(list(Path("/proc/self/fd").iterdir())) - above.proxy.open_files,
            function_use=function.use(),
            reader_use=above.reader.use(),
            edge_use=self.edge_use,
            grown=self.grown,
        )

    def frames_seen(self, count: int) -> None:
        """So many have been taken in: what the plan has for then happens."""
        with self._seen:
            self._frames_seen = max(count, self._frames_seen)
            self._seen.notify_all()

    def _strike(self) -> None:
        plan, function = self.plan, self.sky.function

        def kill_event_source() -> None:
            self.stream.kill_reader()
            self.kills += 1

        at: list[tuple[int, Callable[[], None]]] = [
            *((n, lambda: function.kill(0.15, self.rng)) for n in plan.function_kills_at),
            *((n, kill_event_source) for n in plan.event_source_kills_at),
            (plan.frames // 3, lambda: setattr(function, "ahead_s", plan.clock_jump_s)),
            (2 * plan.frames // 3, lambda: setattr(function, "ahead_s", 0.0)),
        ]
        for number, strike in sorted(at, key=lambda each: each[0]):
            with self._seen:
                self._seen.wait_for(lambda number=number: self._frames_seen >= number)  # type: ignore[misc]
            if self._frames_seen >= 1_000_000:
                return
            strike()

    # -- what must be true -------------------------------------------------------------------------------------------

    def _stored_frames(self) -> list[Frame]:
        """As they lie in the table and in the bucket."""
        frames: dict[str, Frame] = {}
        keys = {(item["pk"]["S"], item["sk"]["S"]) for item in self.sky.items("")}
        pictures = set(self.sky.objects(f"frames/{self.prefix}-"))
        for item in self.sky.items("F#"):
            found = StoredFrame.read(item["doc"]["S"])
            if found.frame_id in frames:
                self.wrong.append(f"{found.frame_id} is stored twice")
            own = (index_name(found.camera_id), day_of(found.captured_at))
            labels = [label.to_domain() for label in found.labels]
            for index in frame_indexes(found.camera_id, labels, found.watch_hit):
                if (index_key(index, own[1]), found.sort_key) not in keys:
                    self.wrong.append(f"{found.frame_id} is not found under {index}")
                if (days_key(index), own[1]) not in keys:
                    self.wrong.append(f"{own[1]} is no day of {index}")
            if (days_key(own[0]), own[1]) not in keys:
                self.wrong.append(f"{own[1]} is no day of {own[0]}")
            if found.image_key not in pictures:
                self.wrong.append(f"{found.frame_id} has no picture")
                continue
            meta = FrameMeta(
                found.camera_id,
                found.boot_id,
                found.seq,
                found.captured_at,
                found.width,
                found.height,
                Gate(found.gate_reason),
            )
            frames[found.frame_id] = Frame(meta, self.sky.picture(found.image_key))
        for prefix in ("failed/", "aws/lambda/"):
            self.wrong += [f"kept as failed: {key}" for key in self.sky.objects(prefix)]
        return list(frames.values())

    def _check_visits(self, stored: Sequence[Frame]) -> None:
        self.visits = [to_visit(item) for item in self.sky.items("V#")]
        expected = calm_visits(self.sky.site, stored)
        found, calm = sorted(map(_seen_of, self.visits)), sorted(map(_seen_of, expected))
        if found != calm:
            self.wrong.append(f"visits differ from a calm run's\n    they are  {found}\n    should be {calm}")
        states = [claim.state for visit in self.visits for claim in visit.alerts.values()]
        if any(state is not AlertState.SENT for state in states):
            self.wrong.append(f"alerts that were not sent: {Counter(states)}")

    def _check_texts(self, texts: Sequence[Sms], kills_s: Sequence[float]) -> int:
        """One for each alert, another only where the first may have been lost; the alert says which it was. Returns
        how many came twice."""
        table = DynamoAlertTable(DynamoTable(self.sky.emulator.client("dynamodb"), TABLE))
        keys: dict[str, Key] = {}
        sent: dict[AlertRef, set[str]] = {}
        if len(texts) != (taken := len(published(self.schedule.journal))):
            self.wrong.append(f"{len(texts)} texts came; the proxy knows of {taken}")
            return 0
        for text in texts:
            token = token_in(text.text)
            link = table.link(token)
            if link is None:
                self.wrong.append(f"a text has the link {token}, which opens nothing")
                return 0
            keys[token] = alert_key(link.ref)
            sent.setdefault(link.ref, set()).add(text.message_id)
        alerts = {claim.alert_id for visit in self.visits for claim in visit.alerts.values()}
        if {ref.alert_id for ref in sent} != alerts:
            self.wrong.append(f"texts tell of {sorted(ref.alert_id for ref in sent)}; alerts are {sorted(alerts)}")
        for ref, message_ids in sent.items():
            alert = table.get(ref)
            told = {each.message_id for each in alert.deliveries.values()} if alert is not None else set()
            if len(told) != 1 or not told <= message_ids:
                self.wrong.append(f"{ref.alert_id} was told by {message_ids}, and says {told}")
        self.wrong += unexplained(self.schedule.journal, kills_s, keys)
        return len(texts) - len(sent)


def _seen_of(visit: Visit) -> tuple[Any, ...]:
    return (visit.camera_id, visit.label, visit.first_seen, visit.last_seen, visit.frame_count, bool(visit.alerts))


class RecordedSource:
    """Recorded frames, put into a spool by a process that is killed as planned, and goes on where it was."""

    def __init__(self, storm: Storm) -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        self.frames = recorded_frames(storm.plan.seed, storm.prefix, now, storm.plan.edge_clock_jump_s)

    def feed(self, storm: Storm) -> None:
        recorded, places = storm.folder / "frames.bin", []
        with recorded.open("wb") as file:
            for frame in self.frames:
                data = encode_envelope(frame)
                places.append((frame.meta.camera_id, frame.meta.frame_id, str(recorded), file.tell(), len(data)))
                file.write(data)
        begin = 0
        for kill_at in (*storm.plan.edge_kills_at, None):
            begin += self._one_life(storm, places[begin:], begin, kill_at)

    def _one_life(self, storm: Storm, places: Sequence[Any], begin: int, kill_at: int | None) -> int:
        """How many of the frames it took in."""
        plan = storm.plan
        settings = {
            "spool": str(storm.folder / "spool"),
            "max_bytes": 256 * 1024 if plan.small_spool else 64 * 1024 * 1024,
            "live_max_age_s": 1.0,
            "stream": STREAM,
            "region": REGION,
            "endpoint": storm.sky.proxy.url,
            "frames": places,
            "pace_s": 0.04,
            "disk_fails": [n - begin for n in plan.disk_fails],
            "patience_s": PATIENCE_S,
        }
        told = storm.folder / f"edge-{begin}.json"
        told.write_text(json.dumps(settings))
        host = Host(["edge", str(told)], local_environment(), storm.folder / "edge.log")
        taken = 0
        try:
            while (said := host.hear()) is not None:
                if "put" in said:
                    taken = said["put"] + 1
                    storm.frames_seen(begin + taken)
                    if kill_at is not None and begin + taken >= kill_at:
                        host.kill()
                    elif taken == len(places):
                        storm.stream.wait_for_most(len(self.frames), _STORM_GOES_ON_S)
                        storm.schedule.calm = True
                        host.tell({"stop": True})
                elif "dropped" in said:
                    storm.counted[said["dropped"]] = f"dropped: {said['reason']}"
                elif "failed" in said:
                    storm.counted[said["failed"]] = f"failed: {said['reason']}"
                elif "ended" in said:
                    self._check_account(storm, said["ended"])
                    storm.edge_use = said["use"]
        finally:
            host.close()
        if kill_at is not None:
            storm.kills += 1
        elif not storm.edge_use:
            storm.wrong.append("the box ended by itself")
        return taken

    def _check_account(self, storm: Storm, account: dict[str, int]) -> None:
        if account["sampled"] != account["sent"] + account["dropped"] + account["failed"] or account["waiting"]:
            storm.wrong.append(f"the box's account does not add up: {account}")

    def check(self, storm: Storm, stored: Sequence[Frame]) -> None:
        sampled = {frame.meta.frame_id: frame for frame in self.frames}
        found = {frame.meta.frame_id: frame for frame in stored}
        for frame_id in sampled.keys() - found.keys() - storm.counted.keys():
            storm.wrong.append(f"{frame_id} is lost: neither stored nor counted")
        for frame_id, frame in found.items():
            if frame_id not in sampled:
                storm.wrong.append(f"{frame_id} is stored, and was never sampled")
            elif frame.jpeg != sampled[frame_id].jpeg or frame.meta != sampled[frame_id].meta:
                storm.wrong.append(f"{frame_id} is stored otherwise than it was sampled")
        if not storm.plan.disk_fails[1] and not storm.plan.small_spool and storm.counted:
            storm.wrong.append(f"dropped with room on a good disk: {storm.counted}")


def recorded_storm(above: Sky, plan: Plan) -> Outcome:
    """Raises StormBroke."""
    storm = Storm(above, plan)
    return storm.run(RecordedSource(storm))
