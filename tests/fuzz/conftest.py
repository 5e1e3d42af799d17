from typing import Any

from tests.fuzz import tally


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if tally.cases:
        slowest = max(tally.slowest_s, key=lambda name: tally.slowest_s[name])
        terminalreporter.write_line(
            f"fuzz: {tally.cases} cases; the slowest took {tally.slowest_s[slowest]:.3f} s of CPU, in {slowest}"
        )
