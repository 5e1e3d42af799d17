"""One line of what `pynt status` says, and how the lines are come by when AWS does not answer everything."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from infra.tasks.problem import AWS_ERRORS, TaskProblem, reason_of
from infra.tasks.session import Stage

_WIDTH = 13


@dataclass(frozen=True, slots=True)
class Line:
    """todo: what to do about it, when something is wrong."""

    what: str
    found: str
    todo: str = ""
    known: bool = True

    def __str__(self) -> str:
        mark = "??" if not self.known else "!!" if self.todo else "ok"
        line = f"{mark} {self.what:<{_WIDTH}} {self.found}"
        return f"{line}\n   {'':<{_WIDTH}} -> {self.todo}" if self.todo else line


def gather(what: str, look: Callable[[], Iterable[Line]]) -> list[Line]:
    """What was found, or one line that says why it cannot be told. Nothing here ends a report."""
    try:
        return list(look())
    except AWS_ERRORS as error:
        return [Line(what, f"cannot tell: {reason_of(error)}", known=False)]
    except TaskProblem as error:
        return [Line(what, f"cannot tell: {error}", known=False)]
    except (KeyError, IndexError) as error:
        return [Line(what, f"cannot tell: the answer lacks {error}", known=False)]


def metric(
    stage: Stage,
    namespace: str,
    name: str,
    dimensions: Mapping[str, str],
    *,
    statistic: Literal["Sum", "Maximum"],
    over: timedelta,
) -> float | None:
    """The sum or the maximum over the last so long; None when there is no data point."""
    now = datetime.now(UTC)
    points = stage.session.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - over,
        EndTime=now,
        Period=300,
        Statistics=[statistic],
    )["Datapoints"]
    values = [point[statistic] for point in points]
    if not values:
        return None
    return sum(values) if statistic == "Sum" else max(values)


def ago(at: datetime) -> str:
    """`5 min ago`, `3 h ago`, `2 days ago`."""
    minutes = int((datetime.now(UTC) - at).total_seconds()) // 60
    if minutes < 120:
        return f"{max(0, minutes)} min ago"
    return f"{minutes // 60} h ago" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days ago"
