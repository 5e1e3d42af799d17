"""The wall clock of a real process, shifted: Python imports this by itself where its folder stands in PYTHONPATH.

FRAMEWATCH_TEST_CLOCK names a file with seconds, which may change at any time; what this process and those that it
starts take for the time of day is that much ahead. The monotonic clock is left alone, as it is when somebody sets a
real machine's clock. Beneath Python (a TLS library, files' times) the true time holds.
"""

import datetime
import os
import time

_path = os.environ["FRAMEWATCH_TEST_CLOCK"]
_true_time_s, _true_time_ns, _true_gmtime, _true_localtime = time.time, time.time_ns, time.gmtime, time.localtime
_TrueDatetime = datetime.datetime


def _shift() -> float:
    with open(_path) as file:  # noqa: PTH123 - pathlib would be imported by every process
        return float(file.read())


class _AnyDatetime(type):
    """What was made without the clock is a datetime, too."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _TrueDatetime)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, _TrueDatetime)


class _Datetime(datetime.datetime, metaclass=_AnyDatetime):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]
        return _TrueDatetime.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls) -> datetime.datetime:  # type: ignore[override]
        return _TrueDatetime.fromtimestamp(time.time(), datetime.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> datetime.datetime:  # type: ignore[override]
        return _TrueDatetime.fromtimestamp(time.time())


time.time = lambda: _true_time_s() + _shift()
time.time_ns = lambda: _true_time_ns() + round(_shift() * 1e9)
time.gmtime = lambda seconds=None: _true_gmtime(time.time() if seconds is None else seconds)
time.localtime = lambda seconds=None: _true_localtime(time.time() if seconds is None else seconds)
datetime.datetime = _Datetime  # type: ignore[misc]
