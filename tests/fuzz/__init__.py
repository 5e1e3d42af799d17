"""Every parser of outside bytes, against hostile ones.

What each test here holds a parser to: what can be read is given, what cannot is refused with an error that the
parser documents; that takes at most a second of the processor's time; and neither an error nor a line of a log holds
a secret that stood in the bytes.

    python -m tests.fuzz [cases]        the long run: 200,000 cases unless told otherwise

FRAMEWATCH_FUZZ_CASES is the number of cases of a whole run, and every test has its share of them. The small number of
an ordinary run is the same ones each time; a large one looks for new ones.
"""

import gc
import logging
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import process_time
from traceback import format_stack
from types import FrameType
from typing import Any

from hypothesis import HealthCheck, Phase, settings

USUAL_CASES = 2000
LONG_CASES = 200_000
CASES = int(os.environ.get("FRAMEWATCH_FUZZ_CASES", USUAL_CASES))
MOST_CPU_S = 1.0
# Of all tests together, or some more.
SHARES = 1400

# What the inputs are strewn with, and what must not come out anywhere.
PHONE = "+34600999777"
PASSWORD = "Tr0ub4dor-canary"
ACCESS_KEY = "AKIAFUZZCANARY234567"
TOKEN = "eyJhbGciOiJub25lIn0.eyJmdXp6IjoiY2FuYXJ5In0.c2lnbmVkMTIzNDU2Nzg5"
SECRETS = (PHONE, PHONE[1:], PASSWORD, ACCESS_KEY, TOKEN)


class Hung(BaseException):
    """A case took more than MOST_CPU_S. Not an Exception: no parser may swallow it."""


class Tally:
    """Of this process: how many cases ran, and the dearest of each test."""

    def __init__(self) -> None:
        self.cases = 0
        self.slowest_s: dict[str, float] = {}

    def add(self, took_s: float) -> None:
        self.cases += 1
        name = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0].rpartition("::")[2]
        self.slowest_s[name] = max(took_s, self.slowest_s.get(name, 0.0))


tally = Tally()


def cases(share: float) -> Callable[[Any], Any]:
    """share: how many of the SHARES."""
    return settings(
        max_examples=max(5, round(CASES * share / SHARES)),
        deadline=None,  # wall clock, on a machine that others use; `bounded` counts the processor's time
        derandomize=CASES <= USUAL_CASES,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )


class _Heard(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def _hung(_: int, frame: FrameType | None) -> None:
    raise Hung("".join(format_stack(frame)[-8:]))


@contextmanager
def bounded(*, most_cpu_s: float = MOST_CPU_S) -> Iterator[None]:
    """One case. Raises AssertionError for one that takes longer, or logs a secret. In the main thread only."""
    heard = _Heard()
    root = logging.getLogger()
    root.addHandler(heard)
    before = signal.signal(signal.SIGPROF, _hung)
    gc.disable()  # it goes through all that the tests hold: its time is not the parser's
    started_s = process_time()
    signal.setitimer(signal.ITIMER_PROF, most_cpu_s)
    hung = None
    try:
        yield
    except Hung as where:
        hung = f"more than {most_cpu_s:g} s of the processor's time, at\n{where}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        gc.enable()
        root.removeHandler(heard)
        tally.add(process_time() - started_s)
    assert hung is None, hung
    for line in heard.lines:
        assert_no_secret(line)


def assert_no_secret(text: str) -> None:
    assert not [secret for secret in SECRETS if secret in text], text[:2000]


def read(
    parse: Callable[..., Any],
    *given: Any,
    refuses: type[Exception] | tuple[type[Exception], ...],
    most_cpu_s: float = MOST_CPU_S,
) -> Any:
    """What `parse` made of it; None where it refused it as it says it does. Any other error comes through."""
    with bounded(most_cpu_s=most_cpu_s):
        try:
            return parse(*given)
        except refuses as error:
            said = str(error)
            assert said
            assert_no_secret(said)
            return None
