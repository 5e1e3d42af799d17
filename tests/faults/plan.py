"""What a seed decides of a storm."""

# ruff: noqa: S311  a storm keeps no secret
import random
from dataclasses import dataclass

from tests.faults.recorded import FRAMES_OF_A_STORM
from tests.faults.weather import Fault, Outage

_HOUR_S = 3600.0
# More than any client tries by itself.
_FIRST_REQUESTS = 8

_NETWORK = {
    Fault.LATENCY: 0.05,
    Fault.RESET_BEFORE: 0.02,
    Fault.RESET_AFTER: 0.02,
    Fault.CUT: 0.015,
    Fault.THROTTLED: 0.03,
    Fault.ERROR_500: 0.02,
}
RATES = {
    "kinesis": {
        **_NETWORK,
        Fault.PARTIAL: 0.15,
        Fault.TWICE: 0.05,
        Fault.SHUFFLED: 0.08,
        Fault.SIGN_IN_PAGE: 0.02,
        Fault.EXPIRED: 0.015,
    },
    "dynamodb": {**_NETWORK, Fault.PARTIAL: 0.05, Fault.EXPIRED: 0.01},
    # A site file that was cut in half may be a valid one, and it is read seldom.
    "s3": {**_NETWORK, Fault.CUT: 0.1, Fault.EXPIRED: 0.02},
    "rekognition": {**_NETWORK, Fault.SIGN_IN_PAGE: 0.02, Fault.EXPIRED: 0.03},
    "sns": {fault: 3 * rate for fault, rate in _NETWORK.items()} | {Fault.EXPIRED: 0.02},
    "sqs": _NETWORK,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a seed decides. Times are seconds from the storm's start, shares are of the frames."""

    seed: int
    frames: int
    rates: dict[str, dict[Fault, float]]
    outages: dict[tuple[str, str], Outage]
    edge_kills_at: tuple[int, ...]  # after so many frames
    function_kills_at: tuple[int, ...]
    event_source_kills_at: tuple[int, ...]
    clock_jump_s: float  # of the function, for the middle third of the frames
    edge_clock_jump_s: float  # of the box, from the middle on
    disk_fails: tuple[int, int]
    small_spool: bool
    redelivered: float  # share of the batches that the function gets once more, in another order

    def __str__(self) -> str:
        """How it comes again."""
        if self.rates:
            return f"seed {self.seed} (python -m tests.faults.chaos --seed {self.seed})"
        return f"{self.outages} (tests/faults/test_each_fault.py)"

    @classmethod
    def of(cls, seed: int) -> "Plan":
        rng = random.Random(f"plan/{seed}")
        strength = rng.choice((0.5, 1.0, 2.0, 3.0))
        frames = FRAMES_OF_A_STORM

        def some(likely: float, most: int) -> tuple[int, ...]:
            count = rng.randint(1, most) if rng.random() < likely else 0
            return tuple(sorted(rng.sample(range(3, frames - 3), count)))

        edge_kills = some(0.4, 2)
        disk_starts = rng.randrange(frames // 2)
        # What a kill finds in memory alone is lost by design, so the disk fails in other storms than kills do.
        disk_fails = (disk_starts, disk_starts + frames // 4) if not edge_kills and rng.random() < 0.3 else (0, 0)
        outage_at = rng.randint(2, 12)
        has_outage = rng.random() < 0.4
        return cls(
            seed=seed,
            frames=frames,
            rates={s: {f: r * strength for f, r in rates.items()} for s, rates in RATES.items()},
            outages={("kinesis", "PutRecords"): Outage(outage_at, outage_at + 5)} if has_outage else {},
            edge_kills_at=edge_kills,
            function_kills_at=some(0.4, 3),
            event_source_kills_at=some(0.25, 1),
            clock_jump_s=rng.choice((0.0, 0.0, _HOUR_S, -_HOUR_S)),
            edge_clock_jump_s=rng.choice((0.0, 0.0, 0.0, _HOUR_S, -_HOUR_S)),
            disk_fails=disk_fails,
            small_spool=not edge_kills and rng.random() < 0.2,
            redelivered=rng.choice((0.0, 0.1, 0.3)),
        )

    @classmethod
    def of_one_fault(cls, service: str, operation: str, fault: Fault) -> "Plan":
        """Calm but for one operation, whose first requests it comes over. Function and event source are killed
        meanwhile, so that what only a new process asks for is met by it, too."""
        return cls(
            seed=0,
            frames=FRAMES_OF_A_STORM,
            rates={},
            outages={(service, operation): Outage(1, 1 + _FIRST_REQUESTS, fault)},
            edge_kills_at=(),
            function_kills_at=(3,),
            event_source_kills_at=(10,),
            clock_jump_s=0.0,
            edge_clock_jump_s=0.0,
            disk_fails=(0, 0),
            small_spool=False,
            redelivered=0.1,
        )
