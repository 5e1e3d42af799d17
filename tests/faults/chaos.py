"""Storm after storm: `pynt chaos[minutes]`. One that broke comes again with its seed:

python -m tests.faults.chaos --seed 17
python -m tests.faults.chaos --minutes 30
"""

import argparse
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from tests.faults.box_storm import box_storm
from tests.faults.plan import Plan
from tests.faults.sky import sky
from tests.faults.storm import Outcome, StormBroke, recorded_storm

# Python's allocator gives little back; what leaks goes on growing and passes this within fifty storms.
MOST_GROWTH = 1.25
MORE_FILES = 12
_WARM_UP = 2
_BOX_EVERY = 5


def run_storms(seeds: Iterable[int], say: Callable[[str], None] = print, *, boxes: bool = True) -> list[Outcome]:
    """Under one sky. boxes: every fifth seed's storm is over a whole box.

    Raises StormBroke at the first that breaks a promise, or when something has grown.
    """
    outcomes = []
    with sky() as above:
        for seed in seeds:
            storm = box_storm if boxes and seed % _BOX_EVERY == 0 else recorded_storm
            outcomes.append(storm(above, Plan.of(seed)))
            say(str(outcomes[-1]))
    check_flat(outcomes, say)
    return outcomes


def check_flat(outcomes: Sequence[Outcome], say: Callable[[str], None] = print) -> None:
    """From storm to storm: open files of this process, which has the proxy in it, and of the box at its end; memory
    and files of those processes of the function and of the event source that lived longest. What a box's processes
    and the function grow by within one storm, that storm has checked."""
    _check_files("this process", [o.files for o in outcomes[_WARM_UP:]], say)
    _check_files("the box", [o.edge_use[1] for o in outcomes[_WARM_UP:] if o.edge_use], say)
    for name, uses in (
        ("the function", [o.function_use for o in outcomes if o.function_use is not None]),
        ("the event source", [o.reader_use for o in outcomes]),
    ):
        lives: dict[int, list[tuple[int, int]]] = {}
        for pid, memory, files in uses:
            lives.setdefault(pid, []).append((memory, files))
        longest = max(lives.values(), key=len)[_WARM_UP:]
        _check_files(name, [files for _, files in longest], say)
        _check_memory(name, [memory for memory, _ in longest], say)
    for name in ("parent", "worker", "function"):  # whose bounds are in box_storm.py
        if grown := [outcome.grown[name] for outcome in outcomes if name in outcome.grown]:
            memory_mb, files = max(m for m, _ in grown) / 1e6, max(f for _, f in grown)
            say(f"{name} within a box's storm: at most {memory_mb:.1f} MB and {files} files more, of {len(grown)}")


def _check_files(name: str, counts: Sequence[int], say: Callable[[str], None]) -> None:
    if len(counts) > 1:
        say(f"files of {name}: {counts[0]} at first, at most {max(counts)}")
        if max(counts) > counts[0] + MORE_FILES:
            raise StormBroke(f"the files of {name} grow: {counts}")


def _check_memory(name: str, memory_bytes: Sequence[int], say: Callable[[str], None]) -> None:
    if len(memory_bytes) > 1:
        half = len(memory_bytes) // 2
        early, late = statistics.median(memory_bytes[:half]), statistics.median(memory_bytes[half:])
        say(f"memory of {name} over {len(memory_bytes)} storms: {early / 1e6:.0f} MB, then {late / 1e6:.0f} MB")
        if late > MOST_GROWTH * early:
            raise StormBroke(f"the memory of {name} grows: {memory_bytes}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, action="append", help="this storm only; may be given several times")
    parser.add_argument("--minutes", type=float, default=10.0, help="new storms for so long")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    given = parser.parse_args()
    until_s = time.monotonic() + given.minutes * 60

    def seeds() -> Iterable[int]:
        seed = given.first
        while time.monotonic() < until_s:
            yield seed
            seed += 1

    try:
        outcomes = run_storms(given.seed or seeds())
    except StormBroke as error:
        print(error, file=sys.stderr)
        return 1
    faults = sum((outcome.faults for outcome in outcomes), Counter[str]())
    print(
        f"{len(outcomes)} storms, {sum(o.frames for o in outcomes)} frames, {faults.total()} faults,"
        f" {sum(o.kills for o in outcomes)} kills: no promise broke"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
