"""What a frame costs the image processor in a fleet of 10, 100 and 1,000 cameras: it must be the same.

    python -m benchmarks.fleet [--seconds 60] [--most 1000]      exits 1 when a cost grows by more than its bound

The handler's own app, with real boto3 clients that end at the wire, where a table in memory and fixed answers stand
for AWS; each shard of twenty cameras has a process of its own. The cameras are rooms that somebody enters a few times
an hour, doors and streets: each moves on and off by a seeded chance and sends a frame a second while something moves,
a keep-alive else, and a heartbeat a minute. Measured after half a minute in which everything is seen once. Fleets of
ten are run one after the other until they are as many cameras as a hundred, before the larger ones and after them.

Counted for each stored frame: CPU of the process without what the wire took of it, requests, and DynamoDB's read and
write units by its rules. Baseline: the smallest fleet, in the same run.
"""

import argparse
import base64
import contextlib
import gc
import hashlib
import io
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from botocore.awsrequest import AWSRequest, AWSResponse

from benchmarks.image_processor import Wire, make_settings, response, sns_response
from framewatch.adapters.aws.clients import AwsClients
from framewatch.domain.frames import Frame, FrameMeta, Gate, GateReason
from framewatch.domain.heartbeats import CameraCounts, CameraState, Heartbeat
from framewatch.services.meter_use import UseLedger
from framewatch.services.process_frames import process_batch
from framewatch.wire.envelope import encode_envelope
from framewatch.wire.heartbeat import encode_heartbeat
from lambdas.image_processor import handler
from tests.units import Units

SIZES = (10, 100, 1_000)
CAMERAS_A_SHARD = 20
BATCH = 100
WARM_UP_S = 30
KEEPALIVE_S = 25
# Of a picture, after its number. Small: what vision and S3 are sent is CPU that no size of the fleet changes.
JPEG_BYTES = 20_000
BOOT = "20260314T110000Z0a1b2c"
START = datetime(2026, 3, 14, 12, tzinfo=UTC)
LABELS = 12
MOST = {"requests": 1.05, "read units": 1.05, "write units": 1.05, "CPU ms": 1.15}
"""A larger fleet's cost of a frame by the smallest's, at most."""


@dataclass(frozen=True, slots=True)
class Place:
    """How long something moves, and how long nothing does, on average; how often a frame then shows a person."""

    share: float
    on_s: float
    off_s: float
    person: float


PLACES = (
    Place(0.6, on_s=40, off_s=900, person=0.9),  # a room
    Place(0.3, on_s=15, off_s=120, person=0.7),  # a door
    Place(0.1, on_s=120, off_s=60, person=0.3),  # a street
)


class Clock:
    at = START

    def now(self) -> datetime:
        return Clock.at


@dataclass
class FleetCamera:
    camera_id: str
    place: Place
    rng: Random
    beats_at: int
    box: str
    moves: bool = False
    changes_at: float = 0.0
    last_sent: float = -1e9
    seq: int = 0

    def __post_init__(self) -> None:
        # As if it had always been there.
        self.moves = self.rng.random() < self.place.on_s / (self.place.on_s + self.place.off_s)
        self.changes_at = self._stays()
        self.last_sent = -self.rng.uniform(0, KEEPALIVE_S)

    def _stays(self) -> float:
        return self.rng.expovariate(1 / (self.place.on_s if self.moves else self.place.off_s))

    def records(self, second: int) -> Iterator[bytes]:
        """What it sends in this second."""
        while self.changes_at <= second:
            self.moves = not self.moves
            self.changes_at += self._stays()
        if second % 60 == self.beats_at:
            yield self._beat(second)
        if self.moves or second - self.last_sent >= KEEPALIVE_S:
            self.last_sent = second
            yield self.frame(second, person=self.moves and self.rng.random() < self.place.person)

    def frame(self, second: int, *, person: bool) -> bytes:
        self.seq += 1
        gate = Gate(GateReason.MOTION if self.moves else GateReason.KEEPALIVE)
        meta = FrameMeta(self.camera_id, BOOT, self.seq, START + timedelta(seconds=second), 1280, 720, gate)
        return encode_envelope(Frame(meta, picture(person=person)))

    def _beat(self, second: int) -> bytes:
        counts = CameraCounts(read=1500, sampled=60, sent=5, gated={"no_motion": 53}, dropped=0, failed=0)
        self.seq += 1
        at = START + timedelta(seconds=second)
        return encode_heartbeat(
            Heartbeat(self.box, self.camera_id, at, BOOT, self.seq, CameraState.ONLINE, "0.1.0", counts=counts)
        )


_NOISE = Random(1).randbytes(JPEG_BYTES)  # noqa: S311  seeded on purpose


def picture(*, person: bool) -> bytes:
    """The stub of vision reads what is in it from its fourth byte."""
    return b"\xff\xd8\xff" + (b"P" if person else b"-") + _NOISE + b"\xff\xd9"


def answer_of(labels: int, *, person: bool) -> bytes:
    """As DetectLabels names things of a street: some in boxes, all below others."""
    box = {"BoundingBox": {"Left": 0.4, "Top": 0.1, "Width": 0.2, "Height": 0.8}, "Confidence": 91.0}
    found = [
        {
            "Name": f"Thing {n}",
            "Confidence": 80.0 + n / 4,
            "Instances": [box] if n < 4 else [],
            "Parents": [{"Name": "Vehicle"}, {"Name": "Transportation"}],
            "Categories": [{"Name": "Vehicles and Automotive"}],
        }
        for n in range(labels - person)
    ]
    if person:
        found.append({"Name": "Person", "Confidence": 97.0, "Instances": [box], "Aliases": [{"Name": "Human"}]})
    return json.dumps({"Labels": found}).encode()


_ANSWERS = {person: answer_of(LABELS, person=person) for person in (False, True)}


class FleetWire(Wire):
    """Answers at once, by partition, and counts what DynamoDB would bill. cpu_s: what that took, in any thread."""

    def __init__(self, site: bytes) -> None:
        super().__init__()
        self.site = site
        self.cpu_s = 0.0
        self.persons = 0
        self.units = Units()
        self.operations: Counter[str] = Counter()
        # By partition and sort key, as JSON: thousands of items in parts would be the collector's work, and ours to
        # measure.
        self._partitions: dict[str, dict[str, str]] = {}

    def forget_costs(self) -> None:
        with self._lock:
            self.cpu_s, self.persons, self.units = 0.0, 0, Units()
            self.requests.clear()
            self.operations.clear()

    def send(self, request: AWSRequest, event_name: str, **_: Any) -> AWSResponse:
        began = time.thread_time()
        service, operation = event_name.split(".")[1:]
        try:
            with self._lock:
                self.requests[service] += 1
                self.operations[operation] += 1
            return self._answer(service, operation, request)
        finally:
            with self._lock:
                self.cpu_s += time.thread_time() - began

    def _answer(self, service: str, operation: str, request: AWSRequest) -> AWSResponse:
        if operation == "GetObject":
            return self._site_file(request)
        if service == "rekognition":
            head = json.loads(request.body)["Image"]["Bytes"][:8]
            person = base64.b64decode(head)[3:4] == b"P"
            with self._lock:
                self.persons += person
            return response(_ANSWERS[person], "application/x-amz-json-1.1")
        if service == "sns":
            return sns_response(operation)
        if service != "dynamodb":
            return response(b"", "text/plain")
        asked = json.loads(request.body)
        with self._lock:
            answer = getattr(self, f"_{operation}")(asked)
        self.units.add(operation, asked, answer)
        return response(json.dumps(answer).encode(), "application/x-amz-json-1.0")

    def _site_file(self, request: AWSRequest) -> AWSResponse:
        if "If-None-Match" in request.headers:
            answer = response(b"", "text/plain")
            answer.status_code = 304
            return answer
        return response(self.site, "text/plain")

    def _write(self, item: dict[str, Any]) -> None:
        self._partitions.setdefault(item["pk"]["S"], {})[item["sk"]["S"]] = json.dumps(item)

    def _read(self, key: dict[str, Any]) -> dict[str, Any] | None:
        found = self._partitions.get(key["pk"]["S"], {}).get(key["sk"]["S"])
        return json.loads(found) if found else None

    def _BatchWriteItem(self, _: dict[str, Any]) -> dict[str, Any]:
        """What lists are made of: the processor reads none of it, and it would be hundreds of megabytes."""
        return {"UnprocessedItems": {}}

    def _DeleteItem(self, ask: dict[str, Any]) -> dict[str, Any]:
        self._partitions.get(ask["Key"]["pk"]["S"], {}).pop(ask["Key"]["sk"]["S"], None)
        return {}

    def _Query(self, ask: dict[str, Any]) -> dict[str, Any]:
        values = ask["ExpressionAttributeValues"]
        most = values.get(":sk", values.get(":last", {})).get("S", "~")
        partition = self._partitions.get(values[":pk"]["S"], {})
        keys = sorted((sk for sk in partition if sk <= most), reverse=True)[: ask.get("Limit")]
        return {"Items": [json.loads(partition[sk]) for sk in keys]}

    def _TransactWriteItems(self, ask: dict[str, Any]) -> dict[str, Any]:
        for action in ask["TransactItems"]:
            if put := action.get("Put"):
                self._write(put["Item"])
            if delete := action.get("Delete"):
                self._DeleteItem(delete)
        return {}


@dataclass
class FleetCost:
    """What so many stored frames took. The rest are sums."""

    frames: int = 0
    cpu_s: float = 0.0
    requests: int = 0
    read: float = 0.0
    written: float = 0.0
    texts: int = 0
    batches: int = 0
    records: int = 0
    detections: int = 0
    watched: int = 0
    puts: int = 0

    def add(self, other: "FleetCost") -> None:
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def per_frame(self) -> dict[str, float]:
        return {
            "CPU ms": self.cpu_s * 1000 / self.frames,
            "requests": self.requests / self.frames,
            "read units": self.read / self.frames,
            "write units": self.written / self.frames,
        }


class Fleet:
    """A site of so many cameras, and the processes that look at what they send."""

    def __init__(self, cameras: int, seed: int):
        rng = Random(seed)  # noqa: S311  seeded on purpose
        ids = [f"camera-{seed}-{n:04d}" for n in range(cameras)]
        kinds = [place for place in PLACES for _ in range(round(place.share * cameras))]
        rng.shuffle(kinds)
        self.cameras = [
            FleetCamera(camera_id, place, Random(rng.random()), rng.randrange(60), f"box-{n // 8}")  # noqa: S311
            for n, (camera_id, place) in enumerate(zip(ids, kinds, strict=True))
        ]
        site = (
            f"cameras: [{', '.join(f'{{id: {c}}}' for c in ids)}]\n"
            'contacts: [{id: ana, phone: "+34600123456"}]\nwatch: {labels: [Person], notify: [ana]}\n'
        )
        self.wire = FleetWire(site.encode())
        self.apps = [build(self.wire) for _ in range(-(-cameras // CAMERAS_A_SHARD))]
        self._stored = self._batches = self._records = 0
        self._number = 0

    def shard_of(self, camera_id: str) -> int:
        """By the key's MD5, as Kinesis does."""
        return int(hashlib.md5(camera_id.encode()).hexdigest(), 16) * len(self.apps) >> 128  # noqa: S324

    def warm_up(self) -> None:
        """Everything is seen once, so that the first of a day, which costs more, lies behind."""
        for person in (True, False):
            self._deliver([(c, c.frame(-90 if person else -80, person=person)) for c in self.cameras], -80)
        for second in range(-WARM_UP_S, 0):
            self.second(second)

    def measure(self, seconds: int) -> FleetCost:
        # What stands there from the warm-up, above all the clients of each process, is of one process each elsewhere.
        gc.collect()
        gc.freeze()
        self.wire.forget_costs()
        self._stored = self._batches = self._records = 0
        began = time.process_time()
        made_s = 0.0
        for second in range(seconds):
            made_s += self.second(second)
        wire = self.wire
        cpu_s = time.process_time() - began - made_s - wire.cpu_s
        gc.unfreeze()
        return FleetCost(
            frames=self._stored,
            cpu_s=cpu_s,
            requests=sum(wire.requests.values()),
            read=wire.units.read,
            written=wire.units.written,
            texts=wire.operations["Publish"],
            batches=self._batches,
            records=self._records,
            detections=wire.requests["rekognition"],
            watched=wire.persons,
            puts=wire.operations["PutObject"],
        )

    def second(self, second: int) -> float:
        """Returns the CPU seconds that the cameras took, which are not the processor's."""
        began = time.process_time()
        sent = [(camera, data) for camera in self.cameras for data in camera.records(second)]
        made_s = time.process_time() - began
        return made_s + self._deliver(sent, second)

    def _deliver(self, sent: list[tuple[FleetCamera, bytes]], second: int) -> float:
        Clock.at = START + timedelta(seconds=second + 1)
        began = time.process_time()
        shards: dict[int, list[dict[str, Any]]] = {}
        for camera, data in sent:
            shards.setdefault(self.shard_of(camera.camera_id), []).append(self._record(camera.camera_id, data))
        made_s = time.process_time() - began
        for shard, records in sorted(shards.items()):
            for first in range(0, len(records), BATCH):
                self._handle(self.apps[shard], shard, records[first : first + BATCH])
        return made_s

    def _record(self, camera_id: str, data: bytes) -> dict[str, Any]:
        self._number += 1
        return {
            "partitionKey": camera_id,
            "sequenceNumber": str(self._number),
            "data": base64.b64encode(data).decode(),
            "approximateArrivalTimestamp": Clock.at.timestamp(),
        }

    def _handle(self, app: handler.App, shard: int, kinesis: list[dict[str, Any]]) -> None:
        """As handler.lambda_handler does."""
        name = f"shardId-{shard:012d}"
        event = {"Records": [{"eventID": f"{name}:{k['sequenceNumber']}", "kinesis": k} for k in kinesis]}
        with app.use.invocation():
            records = handler.to_records(event)
            outcome = process_batch(records, app.deps, lambda: 120.0)
            app.health.note(records, outcome.counts)
            app.use.count_acknowledged(records, outcome.failed_record_ids, app.deps.site)
        app.meter.flush()
        assert not outcome.failed_record_ids, outcome
        self._stored += outcome.counts.get("FramesStored", 0)
        self._batches += 1
        self._records += len(records)


def build(wire: FleetWire) -> handler.App:
    use = UseLedger("image_processor", Clock(), memory_mb=1024)
    return handler.build_app(make_settings(), FleetAws(wire, use), use, "frames")


class FleetAws(AwsClients):
    """Real clients that end at the wire, and count what is used."""

    def __init__(self, wire: FleetWire, use: UseLedger):
        super().__init__(16, region="eu-west-1", use=use)
        self._session.get_component("event_emitter").register_first("before-send", wire.send)


def measure(cameras: int, seconds: int, least_cameras: int, first_seed: int = 0) -> FleetCost:
    """Of a fleet of so many, or of several one after the other until they are at least so many cameras."""
    cost = FleetCost()
    for seed in range(first_seed, first_seed - (-least_cameras // cameras)):
        with contextlib.redirect_stdout(io.StringIO()):
            fleet = Fleet(cameras, seed)
            fleet.warm_up()
            cost.add(fleet.measure(seconds))
    return cost


def set_up() -> None:
    os.environ |= {"AWS_ACCESS_KEY_ID": "benchmark", "AWS_SECRET_ACCESS_KEY": "benchmark"}
    handler.SystemClock = Clock  # type: ignore[assignment,attr-defined]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--most", type=int, default=SIZES[-1], help="cameras of the largest fleet")
    options = parser.parse_args()
    set_up()
    sizes = [size for size in SIZES if size <= options.most]
    found = {size: measure(size, options.seconds, 100) for size in sizes}
    # The baseline stands on both sides of the rest: what else the machine does changes what a CPU second is worth.
    found[sizes[0]].add(measure(sizes[0], options.seconds, 100, first_seed=100))
    base = found[sizes[0]].per_frame()
    columns = ("frames", "texts", "records a batch", *MOST)
    print(f"{'cameras':>8}" + "".join(f"{name:>17}" for name in columns))
    wrong = []
    for size, cost in found.items():
        mine = cost.per_frame()
        shown = "".join(f"{f'{mine[name]:.2f} ({mine[name] / base[name]:.2f})':>17}" for name in MOST)
        print(f"{size:8}{cost.frames:17,}{cost.texts:17}{cost.records / cost.batches:17.1f}{shown}")
        wrong += [
            f"{size} cameras: {mine[name] / base[name]:.2f} times the {name} of a frame; at most {most:g}"
            for name, most in MOST.items()
            if mine[name] > most * base[name]
        ]
    print("\n".join(wrong) or "a frame costs the same in every fleet")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
