"""What a function wrote, readable, the newest last."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from infra.settings import FUNCTION_OUTPUTS
from infra.tasks.problem import TaskProblem, code_of
from infra.tasks.session import Stage
from infra.tasks.stacks import outputs

_POLL_S = 2.0
# Lines of one moment may come to be found in two answers.
_OVERLAP_MS = 10_000
# What Lambda writes around every invocation.
_NOISE = ("START RequestId", "END RequestId", "INIT_START")


def log_group(stage: Stage, function: str) -> str:
    """Raises TaskProblem for a function that is none of ours."""
    if function not in FUNCTION_OUTPUTS:
        raise TaskProblem(f"there is no function {function!r}; there are {', '.join(FUNCTION_OUTPUTS)}")
    name = outputs(stage)[FUNCTION_OUTPUTS[function]]
    configuration = stage.session.client("lambda").get_function_configuration(FunctionName=name)
    return configuration.get("LoggingConfig", {}).get("LogGroup", f"/aws/lambda/{name}")


def show(
    stage: Stage, function: str, *, minutes: int, follow: bool, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Prints; with `follow` until it is interrupted. Raises TaskProblem."""
    group = log_group(stage, function)
    since_ms = int(time.time() * 1000) - minutes * 60_000
    seen: set[tuple[object, ...]] = set()
    while True:
        events = _events(stage, group, since_ms)
        lines = [readable(e["timestamp"], e["message"]) for e in events if _identity(e) not in seen]
        for line in filter(None, lines):
            print(line, flush=True)
        if not follow:
            if not any(lines):
                print(f"{function} wrote nothing in the last {minutes} min ({group})")
            return
        if events:
            seen = {_identity(e) for e in events}
            since_ms = max(since_ms, events[-1]["timestamp"] - _OVERLAP_MS)
        sleep(_POLL_S)


def _events(stage: Stage, group: str, since_ms: int) -> list[dict[str, Any]]:
    pages = (
        stage.session.client("logs")
        .get_paginator("filter_log_events")
        .paginate(logGroupName=group, startTime=since_ms)
    )
    try:
        events = [dict(event) for page in pages for event in page.get("events", [])]
    except ClientError as error:
        if code_of(error) == "ResourceNotFoundException":
            raise TaskProblem(f"there is no log group {group} in {stage.region}") from error
        raise
    return sorted(events, key=lambda event: event["timestamp"])


def _identity(event: Mapping[str, Any]) -> tuple[object, ...]:
    """Not its id, which an emulator may leave out."""
    return event.get("logStreamName"), event["timestamp"], event["message"]


def readable(timestamp_ms: int, message: str) -> str:
    """`14:03:05 ERROR what happened: SomeError: its message`; empty for what says nothing."""
    text = message.strip()
    if not text or text.startswith(_NOISE):
        return ""
    at = datetime.fromtimestamp(timestamp_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    try:
        entry = json.loads(text)
    except ValueError:
        entry = None
    if not isinstance(entry, dict):
        return f"{at} {text}"
    return f"{at} {' '.join(_words(entry))}"


def _words(entry: Mapping[str, Any]) -> Iterator[str]:
    if "_aws" in entry:
        names = [m["Name"] for each in entry["_aws"].get("CloudWatchMetrics", []) for m in each.get("Metrics", [])]
        yield "METRIC"
        yield ", ".join(f"{name} {_value(entry.get(name))}" for name in names)
        return
    yield str(entry.get("level", "-"))
    yield str(entry.get("message", entry))
    if "exception_name" in entry:
        # The trace's last line is the error with its message.
        lines = str(entry.get("exception", "")).strip().splitlines()
        yield f"| {lines[-1] if lines else entry['exception_name']}"
    elif "errorType" in entry:
        yield f"| {entry['errorType']}: {entry.get('errorMessage', '')}"


def _value(value: object) -> str:
    return (
        ",".join(f"{v:g}" if isinstance(v, float) else str(v) for v in value)
        if isinstance(value, list)
        else str(value)
    )
