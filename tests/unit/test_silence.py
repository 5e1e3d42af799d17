"""Who is silent, in trouble, well or unclear: judged from signs alone."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from framewatch.domain.heartbeats import CameraState
from framewatch.domain.silence import (
    PROCESSING,
    STREAM,
    VISION,
    Findings,
    ShardHealth,
    Sign,
    Subject,
    Suspicion,
    judge,
)
from framewatch.domain.site import Camera
from framewatch.domain.troubles import TroubleKind
from tests.fakes import make_site
from tests.frames import NOON

NOW = NOON
CAMERAS = [Camera(id="front"), Camera(id="yard"), Camera(id="attic")]
FRONT, YARD, ATTIC = ((TroubleKind.CAMERA, c.id) for c in CAMERAS)
SHOP_1, SHOP_2 = (TroubleKind.BOX, "shop-1"), (TroubleKind.BOX, "shop-2")
HEALTHY = ShardHealth("shard-0", NOW, 0.0)


def sign(camera_id: str, ago_s: float = 10, box: str | None = "shop-1", state: str = "online") -> Sign:
    return Sign(camera_id, NOW - timedelta(seconds=ago_s), box, CameraState(state))


def health(behind_s: float = 0.5, ago_s: float = 5, failing_s: float | None = None, shard: str = "a") -> ShardHealth:
    failing = None if failing_s is None else NOW - timedelta(seconds=failing_s)
    return ShardHealth(shard, NOW - timedelta(seconds=ago_s), behind_s, failing)


def look(
    *signs: Sign,
    health: Sequence[ShardHealth] = (HEALTHY,),
    since: Mapping[Subject, Any] | None = None,
    **sections: Any,
) -> Findings:
    site = make_site(**({"cameras": CAMERAS} | sections))
    return judge(signs, health, site, since or {}, NOW)


def grave(found: Findings) -> set[Subject]:
    return {subject for subject, suspicion in found.suspected.items() if suspicion.grave}


def test_cameras_that_speak_are_well_and_one_never_heard_of_is_not_missed() -> None:
    found = look(sign("front"), sign("yard"))
    assert found.suspected == {}
    assert found.well == {FRONT, YARD, SHOP_1, STREAM, VISION, PROCESSING}
    assert ATTIC not in found.unclear


def test_a_camera_is_silent_once_its_grace_has_passed_while_its_box_speaks() -> None:
    assert grave(look(sign("front", 180), sign("yard"))) == set()
    found = look(sign("front", 181), sign("yard"))
    assert found.suspected == {FRONT: Suspicion(NOW - timedelta(seconds=181), grave=True)}
    assert SHOP_1 in found.well


def test_a_camera_has_its_own_grace() -> None:
    cameras = [Camera(id="front", silence_grace_s=600), Camera(id="yard", silence_grace_s=60)]
    assert grave(look(sign("front", 500), sign("yard", 61), sign("attic", 1), cameras=cameras)) == {YARD}
    assert grave(look(sign("front", 601), sign("yard", 1), cameras=cameras)) == {FRONT}


def test_a_silent_box_is_one_trouble_and_covers_its_cameras() -> None:
    found = look(sign("front", 200), sign("yard", 190), sign("attic", box="shop-2"))
    assert found.suspected == {SHOP_1: Suspicion(NOW - timedelta(seconds=190), grave=True, cameras=("front", "yard"))}
    assert {FRONT, YARD} <= found.unclear
    assert {SHOP_2, ATTIC} <= found.well


def test_a_box_is_as_impatient_as_its_most_impatient_camera() -> None:
    cameras = [Camera(id="front", silence_grace_s=60), Camera(id="yard")]
    assert grave(look(sign("front", 90), sign("yard", 90), sign("attic", box="x"), cameras=cameras)) == {SHOP_1}
    patient = [Camera(id="front", silence_grace_s=3600)]
    assert grave(look(sign("front", 900), cameras=patient)) == set()


def test_a_box_whose_other_cameras_left_the_site_file_still_speaks_by_them() -> None:
    found = look(sign("front", 200), sign("gone", 5))
    assert grave(found) == {FRONT}
    assert SHOP_1 in found.well


def test_of_two_boxes_for_one_camera_the_newest_word_counts() -> None:
    found = look(sign("front", 900, box="shop-1"), sign("front", 10, box="shop-2"))
    assert (grave(found), FRONT in found.well, SHOP_2 in found.well) == (set(), True, True)
    assert SHOP_1 not in found.well | found.unclear  # nobody is seen by it any more


@pytest.mark.parametrize("state", ["stalled", "reconnecting", "auth-failed", "not-found"])
def test_a_camera_that_is_not_online_is_suspected_and_grave_once_that_lasts(state: str) -> None:
    found = look(sign("front", 10, state=state), sign("yard"))
    assert found.suspected == {FRONT: Suspicion(NOW - timedelta(seconds=10), grave=False)}
    assert FRONT not in found.well
    since = NOW - timedelta(seconds=200)
    found = look(sign("front", 10, state=state), sign("yard"), since={FRONT: since})
    assert found.suspected == {FRONT: Suspicion(since, grave=True)}


@pytest.mark.parametrize("state", ["disabled", "ended"])
@pytest.mark.parametrize("ago_s", [10, 90_000])
def test_a_camera_that_is_switched_off_or_at_its_clips_end_is_not_silent_but_gone(state: str, ago_s: float) -> None:
    found = look(sign("front", ago_s, state=state))
    assert grave(found) == set()
    assert not {FRONT, SHOP_1} & (found.well | found.unclear | found.suspected.keys())


def test_a_camera_without_heartbeats_is_as_alive_as_its_newest_frame() -> None:
    assert FRONT in look(sign("front", 100, box=None)).well
    found = look(sign("front", 200, box=None))
    assert (grave(found), [kind for kind, _ in found.suspected]) == ({FRONT}, [TroubleKind.CAMERA])


# -- the stream, vision, everything --------------------------------------------------------------------------------


def test_a_stream_that_is_behind_says_by_how_much_and_the_grace_is_stream_lag_s() -> None:
    assert STREAM in look(sign("front"), health=[health(300)]).well
    found = look(sign("front"), health=[health(301, ago_s=5), health(0.2, shard="b")])
    assert found.suspected == {STREAM: Suspicion(NOW - timedelta(seconds=306), grave=True, late_s=301)}


def test_silence_is_not_judged_beyond_what_the_processor_has_read() -> None:
    # Its heartbeats may lie in the stream.
    found = look(sign("front", 260), sign("yard", 260), health=[health(100)])
    assert grave(found) == set()
    assert grave(look(sign("front", 290), sign("yard", 260), health=[health(100)])) == {FRONT}


def test_a_note_that_is_behind_and_not_renewed_lets_nobody_seem_silent_for_that() -> None:
    assert grave(look(sign("front", 350), sign("yard", 350), health=[health(100, ago_s=100)])) == set()
    assert grave(look(sign("front", 350), sign("yard", 350), health=[health(1, ago_s=100)])) == {SHOP_1}


def test_an_old_note_says_nothing_of_its_shard() -> None:
    found = look(sign("front"), health=[health(5000, ago_s=301, failing_s=5000)])
    assert grave(found) == set()
    assert {STREAM, VISION} <= found.unclear


def test_vision_that_fails_for_longer_than_the_grace_is_a_trouble_and_explains_the_lag() -> None:
    since = NOW - timedelta(seconds=200)
    found = look(sign("front"), health=[health(400, failing_s=200)])
    assert found.suspected == {VISION: Suspicion(since, grave=True)}
    assert STREAM in found.unclear
    assert grave(look(sign("front"), health=[health(10, failing_s=100)])) == set()


def test_nothing_from_anywhere_is_told_beside_the_boxes() -> None:
    signs = [sign("front", 300), sign("yard", 250, box="shop-2")]
    found = look(*signs, health=[health(ago_s=240)])
    assert grave(found) == {SHOP_1, SHOP_2, PROCESSING}
    assert found.suspected[PROCESSING].since == NOW - timedelta(seconds=240)
    assert PROCESSING in look(*signs, health=[health(ago_s=100)]).well


def test_of_a_single_box_its_own_silence_says_as_much() -> None:
    found = look(sign("front", 300), sign("yard", 300), health=[])
    assert (grave(found), PROCESSING in found.unclear) == ({SHOP_1}, True)


def test_before_anything_was_ever_heard_nothing_is_wrong() -> None:
    found = look(health=[])
    assert (found.suspected, found.well) == ({}, set())


def test_cameras_with_a_long_grace_are_not_taken_for_a_dead_processor() -> None:
    cameras = [Camera(id="front", silence_grace_s=3600), Camera(id="yard", silence_grace_s=3600)]
    found = look(sign("front", 1000, box=None), sign("yard", 1000, box=None), cameras=cameras, health=[])
    assert (grave(found), PROCESSING in found.well) == (set(), True)
