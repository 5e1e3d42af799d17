"""What is read again every so often, and holds where it cannot be."""

import threading
from datetime import timedelta

import pytest

from framewatch.domain.errors import StorageUnavailable
from framewatch.services.last_known import LastKnown
from tests.frames import NOON


class Source:
    def __init__(self) -> None:
        self.value = 1
        self.reads = 0
        self.error: Exception | None = None

    def read(self) -> int:
        self.reads += 1
        if self.error is not None:
            raise self.error
        return self.value


def seconds(n: float) -> timedelta:
    return timedelta(seconds=n)


def test_it_is_read_anew_after_half_a_minute_and_not_before() -> None:
    source = Source()
    known = LastKnown("it", source.read, 0)
    assert known.at(NOON) == 1
    source.value = 2
    assert known.at(NOON + seconds(29)) == 1
    assert known.at(NOON + seconds(30)) == 2
    assert source.reads == 2


def test_a_clock_that_was_set_back_keeps_no_old_value() -> None:
    source = Source()
    known = LastKnown("it", source.read, 0)
    known.at(NOON)
    source.value = 2
    assert known.at(NOON - seconds(3600)) == 2


def test_what_cannot_be_read_is_as_at_first_then_as_last_known_and_is_not_asked_for_at_once_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = Source()
    known = LastKnown("the weather", source.read, 0)
    source.error = StorageUnavailable("table down")
    assert known.at(NOON) == 0
    assert "the weather is not known, going on as before: table down" in caplog.text
    assert known.at(NOON + seconds(29)) == 0
    assert source.reads == 1
    source.error = None
    assert known.at(NOON + seconds(30)) == 1
    source.error = StorageUnavailable("table down")
    assert known.at(NOON + seconds(60)) == 1


def test_an_error_that_nobody_expects_is_not_hidden() -> None:
    source = Source()
    source.error = ValueError("a bug")
    with pytest.raises(ValueError, match="a bug"):
        LastKnown("it", source.read, 0).at(NOON)


def test_who_asks_while_another_reads_is_given_what_was_known_and_does_not_wait() -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slow() -> int:
        assert not asked.is_set(), "read by two"
        asked.set()
        go_on.wait()
        return 1

    known = LastKnown("it", slow, 0)
    reader = threading.Thread(target=known.at, args=(NOON,))
    reader.start()
    asked.wait()
    assert known.at(NOON) == 0
    go_on.set()
    reader.join()
    assert known.at(NOON) == 1
