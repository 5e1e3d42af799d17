"""A stream comes back after ten minutes: how fast the backlog goes, and what that costs the live frames.

    python -m benchmarks.drain [--outage-s 600]

Four cameras, two frames of 50 KB a second each, one shard that takes 1 MB and 1000 records a second and refuses what
is over that, record by record, as Kinesis does. The spool (on this disk) and the producer are the client's own; the
stream and the time are simulated, so the figures do not depend on this machine.

Printed: the catch-up rate against the best there is (the shard's rate less what the live frames need), and the live
frames' delay from their sampling to the stream's answer while catching up, against the same without lanes, where
every frame waits for those before it.
"""

import argparse
import statistics
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from botocore.exceptions import EndpointConnectionError

from edge_client.buffer import Record
from edge_client.producer import Accepted, Producer
from edge_client.spool import LIVE_MAX_AGE_S, Spool

CAMERAS = ("back-yard", "front-door", "garage", "garden")
FRAME_BYTES = 50_000
FRAMES_A_S = 2.0
SHARD_BPS = 1024 * 1024
SHARD_RECORDS_A_S = 1000
UPLINK_BPS = 2_500_000  # 20 Mbit/s
ROUND_TRIP_S = 0.04
CONNECT_TIMEOUT_S = 5.0
SETTLE_S = 60.0


class SimulatedShard:
    """One shard behind a thin line. It takes a second's worth at once and then as much as its rate gives."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.is_down = False
        self.refused = 0
        self._spare_bytes = float(SHARD_BPS)
        self._spare_records = float(SHARD_RECORDS_A_S)
        self._filled_at_s = 0.0

    def clock(self) -> float:
        return self.now_s

    def put_records(self, *, StreamName: str, Records: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: ARG002
        if self.is_down:
            self.now_s += CONNECT_TIMEOUT_S
            raise EndpointConnectionError(endpoint_url="https://kinesis.example")
        sizes = [len(r["Data"]) + len(r["PartitionKey"]) for r in Records]
        self.now_s += ROUND_TRIP_S + sum(sizes) / UPLINK_BPS
        passed_s, self._filled_at_s = self.now_s - self._filled_at_s, self.now_s
        self._spare_bytes = min(SHARD_BPS, self._spare_bytes + passed_s * SHARD_BPS)
        self._spare_records = min(SHARD_RECORDS_A_S, self._spare_records + passed_s * SHARD_RECORDS_A_S)
        results = []
        for size in sizes:
            if size <= self._spare_bytes and self._spare_records >= 1:
                self._spare_bytes -= size
                self._spare_records -= 1
                results.append({"ShardId": "shardId-000000000000", "SequenceNumber": "1"})
            else:
                self.refused += 1
                results.append(
                    {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Rate exceeded"}
                )
        return {"Records": results}


@dataclass
class Outcome:
    catch_up_s: float = 0.0
    backlog_bytes: int = 0
    refused: int = 0
    requests_s: float = 0.0
    live_delays_s: list[float] = field(default_factory=list)
    """Of frames sampled while catching up."""
    sent: Counter[str] = field(default_factory=Counter)
    sampled: Counter[str] = field(default_factory=Counter)


class Simulation:
    def __init__(self, folder: Path, *, lanes: bool, outage_s: float) -> None:
        self._outage_s = outage_s
        self._shard = SimulatedShard()
        self._spool = Spool(
            folder,
            CAMERAS,
            live_max_age_s=LIVE_MAX_AGE_S if lanes else -1.0,
            sync_after_s=None,
            clock=self._shard.clock,
        )
        self._producer = Producer(
            self._shard,  # type: ignore[arg-type]
            "frames",
            on_sent=self._on_sent,
            on_failed=lambda *_: None,
            keeps=True,
            clock=self._shard.clock,
            rng=Random(1),  # noqa: S311
        )
        self._sampled_at_s: dict[str, float] = {}
        self._sampled_frames = 0
        self._outcome = Outcome()
        self._back_at_s: float | None = None

    def run(self) -> Outcome:
        self._pass_time_until(SETTLE_S)
        self._shard.is_down = True
        self._pass_time_until(self._shard.now_s + self._outage_s)
        self._shard.is_down = False
        self._back_at_s = self._shard.now_s
        self._outcome.backlog_bytes = sum(self._spool.depth(c).bytes for c in CAMERAS)
        while any(self._spool.depth(c).backlog_records for c in CAMERAS) or self._producer.until_backlog_s() > 0:
            self._pass_time_until(self._shard.now_s + 1.0)
            if not any(self._spool.depth(c).backlog_records for c in CAMERAS):
                break
        self._outcome.catch_up_s = self._shard.now_s - self._back_at_s
        self._outcome.refused = self._shard.refused
        self._spool.abort()
        return self._outcome

    def _pass_time_until(self, end_s: float) -> None:
        while self._shard.now_s < end_s:
            self._sample()
            began_s = self._shard.now_s
            self._producer.send_due()
            self._sample()
            if not self._producer.is_full:
                batch = self._spool.take(timeout_s=0, backlog_bytes=self._producer.backlog_bytes)
                if batch:
                    self._producer.send(batch)
            if self._shard.now_s == began_s:
                self._shard.now_s += 0.005

    def _sample(self) -> None:
        """The frames whose time has come; the cameras take turns within their interval."""
        while (due_s := self._sampled_frames / (FRAMES_A_S * len(CAMERAS))) <= self._shard.now_s:
            camera = CAMERAS[self._sampled_frames % len(CAMERAS)]
            frame_id = f"{camera}.{self._sampled_frames}"
            self._sampled_at_s[frame_id] = due_s
            self._sampled_frames += 1
            self._outcome.sampled[camera] += 1
            dropped = self._spool.put(Record(camera, frame_id, bytes(FRAME_BYTES)), drop_oldest=True)
            assert not dropped

    def _on_sent(self, accepted: Accepted) -> None:
        self._spool.ack(accepted.record)
        at_s = self._sampled_at_s.pop(accepted.record.frame_id)
        self._outcome.sent[accepted.record.camera_id] += 1
        if self._back_at_s is not None and at_s > self._back_at_s:
            self._outcome.live_delays_s.append(self._shard.now_s - at_s)


def simulate(*, lanes: bool, outage_s: float) -> Outcome:
    with tempfile.TemporaryDirectory(dir=".") as folder:
        return Simulation(Path(folder), lanes=lanes, outage_s=outage_s).run()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--outage-s", type=float, default=600.0)
    outage_s = parser.parse_args().outage_s
    live_bps = len(CAMERAS) * FRAMES_A_S * FRAME_BYTES
    best_bps = SHARD_BPS - live_bps
    print(f"{len(CAMERAS)} cameras, {live_bps / 1e6:.2f} MB/s live, {outage_s:.0f} s without the stream")
    for name, lanes in (("lanes", True), ("no lanes", False)):
        outcome = simulate(lanes=lanes, outage_s=outage_s)
        rate_bps = outcome.backlog_bytes / outcome.catch_up_s
        delays_s = sorted(outcome.live_delays_s)
        p95_s = statistics.quantiles(delays_s, n=20)[-1]
        print(
            f"{name:9} backlog {outcome.backlog_bytes / 1e6:.0f} MB in {outcome.catch_up_s:.0f} s:"
            f" {rate_bps / 1e6:.2f} MB/s, {rate_bps / best_bps:.2f} of the best;"
            f" {outcome.refused} records refused and sent again;"
            f" live delay p50 {statistics.median(delays_s):.2f} s, p95 {p95_s:.2f} s, max {delays_s[-1]:.2f} s"
        )


if __name__ == "__main__":
    main()
