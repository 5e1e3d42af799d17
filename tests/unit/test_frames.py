from datetime import UTC, datetime

import pytest

from framewatch.domain.frames import is_boot_id, is_camera_id, make_boot_id, make_frame_id

BOOT = "20261121T031713Zabcdef"


@pytest.mark.parametrize("text", ["front\n", "", "Front", "-front", "a" * 64, "front door", "fr/ont", "front#1"])
def test_a_camera_id_is_nothing_that_could_break_a_key(text: str) -> None:
    assert not is_camera_id(text)


@pytest.mark.parametrize("text", ["front-door", "0", "a" * 63])
def test_a_camera_id_is_lower_case_letters_digits_and_hyphens(text: str) -> None:
    assert is_camera_id(text)


def test_a_boot_id_ends_where_it_ends() -> None:
    assert is_boot_id(BOOT)
    assert not is_boot_id(BOOT + "\n")


def test_boot_ids_sort_by_their_start() -> None:
    earlier = make_boot_id(datetime(2026, 9, 30, 23, 59, 59, tzinfo=UTC), b"\xff\xff\xff")
    later = make_boot_id(datetime(2026, 10, 1, tzinfo=UTC), b"\x00\x00\x00")
    assert earlier < later
    assert is_boot_id(earlier) and is_boot_id(later)


def test_frame_ids_of_a_camera_sort_by_their_sequence() -> None:
    ids = [make_frame_id("front", BOOT, seq) for seq in (0, 9, 10, 99, 100, 9_999_999_999)]
    assert ids == sorted(ids)


@pytest.mark.parametrize(("camera", "boot", "seq"), [("Front", BOOT, 0), ("front", "now", 0), ("front", BOOT, -1)])
def test_a_frame_id_is_not_made_of_malformed_parts(camera: str, boot: str, seq: int) -> None:
    with pytest.raises(ValueError, match=r"match|outside"):
        make_frame_id(camera, boot, seq)
