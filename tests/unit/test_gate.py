"""The motion gate on made pictures, one a second: what is sent, what is withheld, and why.

A letter a frame: First, Motion, Keep-alive; . no motion, L light change, d duplicate.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_client.gate import GateReason, GateSettings, MotionGate, WithheldReason
from edge_client.masks import PrivacyMasks
from tests.scenes import (
    HEIGHT,
    WIDTH,
    decisions,
    infrared,
    lamp,
    letters,
    photographed,
    room,
    shaken,
    watched,
    with_person,
    with_tree,
)

ROOM = room()
LEFT_HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))


def walking(n: int, start: int, stop: int, *, step: int = 40, x: int = 20):
    """The room, with somebody who crosses it from frame `start` up to `stop`."""
    return with_person(ROOM, x + step * (n - start)) if start <= n < stop else ROOM


def faint(n: int, wall: float):
    """A wall of one colour, from frame 10 on crossed by something a shade lighter."""
    scene = np.full((HEIGHT, WIDTH, 3), wall, np.float32) * np.array([1.0, 0.9, 0.6], np.float32)
    if n >= 10:
        scene[120:280, 40 * (n - 10) : 40 * (n - 10) + 50] += 14
    return scene


# --- what is sent ---


def test_the_first_frame_is_sent_and_a_still_room_only_kept_alive():
    assert watched(60, lambda n: ROOM) == "F" + "." * 24 + "K" + "." * 24 + "K" + "." * 9


def test_keepalive_s_is_counted_from_whatever_was_sent_last():
    seen = watched(40, lambda n: walking(n, 10, 13), settings=GateSettings(keepalive_s=12))
    assert seen == "F" + "." * 9 + "MMM" + "." * 11 + "K" + "." * 11 + "K" + "..."


def test_every_step_of_somebody_who_walks_is_sent_and_nothing_before_or_after():
    assert watched(24, lambda n: walking(n, 8, 22)) == "F" + "." * 7 + "M" * 14 + ".."


def test_boxes_lie_around_who_walks():
    rng = np.random.default_rng(2)
    found = decisions(photographed(walking(n, 3, 9), rng) for n in range(9))
    for n in range(3, 9):
        left, top, right, bottom = found[n].boxes_xyxy_rel[0]
        x = 20 + 40 * (n - 3)
        # Within a hundredth: two pixels of the small picture.
        assert (left, right) == (pytest.approx(x / WIDTH, abs=0.01), pytest.approx((x + 50) / WIDTH, abs=0.01))
        assert (top, bottom) == (pytest.approx(83 / HEIGHT, abs=0.03), pytest.approx(280 / HEIGHT, abs=0.03))


def test_who_stands_still_is_sent_once_and_then_kept_alive_twice_as_often():
    seen = watched(60, lambda n: walking(n, 5, 8) if n < 8 else with_person(ROOM, 240))
    assert seen[5:9] == "MMMM"
    assert seen[9:] == "d" * 12 + "K" + "d" * 12 + "K" + "d" * 12 + "K" + "d" * 12


def test_a_standing_visitor_is_never_unseen_for_as_long_as_the_default_gap_of_a_visit():
    """visits.gap_s is 30: with one keep-alive in which the model misses the visitor, the visit is still one."""
    seen = watched(200, lambda n: with_person(ROOM, 240) if 20 <= n < 100 else ROOM)
    sent = [n for n in range(20, 100) if seen[n] in "MK"]
    assert max(b - a for a, b in zip(sent, sent[2:], strict=False)) < 30


def test_what_was_parked_becomes_part_of_the_scene_and_leaves_no_ghost():
    seen = watched(200, lambda n: with_person(ROOM, 240) if 10 <= n < 150 else ROOM)
    assert seen[10] == "M" and "M" not in seen[11:150]
    assert set(seen[115:150]) == set(".K")
    assert seen[150:].count("M") <= 1 and set(seen[175:]) <= set(".K")


def test_who_stood_for_half_a_minute_leaves_no_ghost():
    seen = watched(80, lambda n: with_person(ROOM, 240) if 10 <= n < 40 else ROOM)
    assert seen[40:].count("M") == 0 and set(seen[43:]) <= set(".K")


def test_somebody_in_front_of_what_was_parked_is_seen():
    parked = with_person(ROOM, 240, coat=150, size=(120, 100))
    seen = watched(
        150, lambda n: with_person(parked, 20 + 40 * (n - 130)) if n >= 130 else parked if n >= 5 else ROOM
    )
    assert seen[130:142] == "M" * 12


def test_a_busy_path_does_not_make_the_gate_blind_for_who_comes_next():
    def busy(n):
        if n < 5:
            return ROOM
        return with_person(ROOM, 20 + 120 * (n % 5), coat=220 if n < 60 else 20)

    assert watched(70, busy) == "F...." + "M" * 65


def test_small_contrast_is_found_at_high_sensitivity_and_passed_over_at_low():
    assert "M" not in watched(20, lambda n: faint(n, 100.0), settings=GateSettings(sensitivity=0.1))
    assert watched(20, lambda n: faint(n, 100.0), settings=GateSettings(sensitivity=0.9))[11:] == "M" * 9


def test_min_area_share_decides_how_small_a_thing_may_be():
    def cat(n):
        return with_person(ROOM, 40 * (n - 5), 250, size=(24, 16)) if n >= 5 else ROOM

    assert watched(18, cat)[6:] == "M" * 12
    assert "M" not in watched(18, cat, settings=GateSettings(min_area_share=0.02))


def test_a_gate_that_is_off_sends_everything_and_says_so():
    assert watched(5, lambda n: ROOM, settings=GateSettings(enabled=False)) == "!!!!!"


# --- light ---


@pytest.mark.parametrize(("before", "after"), [(1.0, 0.5), (0.5, 1.0), (0.7, 1.15)])
def test_a_lamp_that_lights_the_whole_room_is_a_light_change(before, after):
    seen = watched(40, lambda n: ROOM * (before if n < 10 else after))
    assert seen[10] == "L" and "M" not in seen


def test_a_lamp_beside_the_door_is_a_light_change():
    light = lamp(0.2, 0.12, 0.9)
    seen = watched(40, lambda n: ROOM * light if 10 <= n < 30 else ROOM)
    assert "M" not in seen and seen[10:20] == "L" * 10


def test_a_lamp_that_falls_on_most_of_the_room_is_a_light_change_and_looked_at_once_more():
    light = lamp(0.3, 0.25, 2.2) * 0.45
    seen = watched(40, lambda n: ROOM * light if n >= 10 else ROOM * 0.6)
    assert seen == "F" + "." * 9 + "L..K" + "." * 24 + "K."


def test_light_in_a_dark_room_is_a_light_change():
    seen = watched(30, lambda n: ROOM * (0.05 if n < 10 else 1.0))
    assert seen[10:14] == "L..K" and "M" not in seen


def test_who_switches_the_lamp_on_and_walks_is_sent_with_the_next_step():
    seen = watched(25, lambda n: ROOM * 0.05 if n < 10 else walking(n, 10, 20))
    assert seen[10:20] == "L" + "M" * 9


def test_who_switches_the_lamp_on_and_stands_there_is_shown_once_the_light_has_settled():
    seen = watched(20, lambda n: ROOM * 0.05 if n < 10 else with_person(ROOM, 240))
    assert seen[10:14] == "L..K"


def test_who_walks_while_clouds_pass_is_sent_at_every_step():
    seen = watched(40, lambda n: walking(n, 20, 34) * (1 + 0.2 * np.sin(n / 4)))
    assert seen[20:34] == "M" * 14 and "M" not in seen[:20]


def test_clouds_are_no_motion():
    seen = watched(80, lambda n: ROOM * (1 + 0.25 * np.sin(n / 6)))
    assert "M" not in seen and seen.count("K") <= 4


def test_an_overexposed_wall_is_no_motion_when_the_light_falls():
    """At 255 nobody knows how bright it is: it does not fall with the rest."""
    wall = ROOM.copy()
    wall[50:200, 100:300] = 240
    assert set(watched(30, lambda n: wall * (1.3 if n < 10 else 1.15))[1:]) <= set(".K")


def test_dusk_is_no_motion():
    assert set(watched(100, lambda n: ROOM * (1 - 0.009 * n))) <= set("F.KL")


def test_infrared_switching_on_and_off_is_a_light_change_and_learnt_at_once():
    rng = np.random.default_rng(2)
    night = infrared(ROOM)
    seen = letters(
        decisions(
            photographed(night, rng, 6, grey=True) if 10 <= n < 30 else photographed(ROOM, rng) for n in range(45)
        )
    )
    assert seen[10:14] == "L..K" and seen[30:34] == "L..K"
    assert "M" not in seen and "d" not in seen


def test_who_walks_under_infrared_light_is_sent_from_the_first_frame_after_the_switch():
    rng = np.random.default_rng(2)
    seen = letters(
        decisions(
            photographed(infrared(walking(n, 10, 22)), rng, 6, grey=True) if n >= 10 else photographed(ROOM, rng)
            for n in range(25)
        )
    )
    assert seen[10:22] == "L" + "M" * 11


def test_a_flickering_lamp_does_not_send_without_end():
    light = lamp(0.3, 0.25, 2.2) * 0.45
    seen = watched(120, lambda n: ROOM * (light if n // 4 % 2 else 0.6))
    assert seen.count("K") + seen.count("M") <= 12


def test_another_view_is_sent_and_learnt_at_once():
    other = room(seed=9)
    assert watched(20, lambda n: ROOM if n < 10 else other) == "F" + "." * 9 + "M" + "." * 9


# --- noise, leaves, shaking ---


@pytest.mark.parametrize("noise", [0.0, 1.0, 5.0, 10.0, 20.0])
def test_noise_of_any_level_is_no_motion(noise):
    assert set(watched(50, lambda n: ROOM, noise=noise)[1:]) <= set(".K")


def test_noise_that_grows_is_no_motion():
    rng = np.random.default_rng(2)
    seen = letters(decisions(photographed(ROOM, rng, 2 if n < 20 else 14) for n in range(60)))
    assert set(seen[1:]) <= set(".K")


def test_a_swaying_tree_is_soon_no_motion():
    rng = np.random.default_rng(3)
    seen = watched(120, lambda n: with_tree(ROOM, rng))
    assert seen[:10].count("M") <= 2 and "M" not in seen[10:]


def test_who_walks_past_a_swaying_tree_is_sent():
    rng = np.random.default_rng(3)
    seen = watched(
        60, lambda n: with_person(with_tree(ROOM, rng), 20 + 50 * (n - 45)) if n >= 45 else with_tree(ROOM, rng)
    )
    # In front of the crown itself, too, from 380 to 580.
    assert seen[45:56] == "M" * 11


@pytest.mark.parametrize("pixels", [1, 2])
def test_a_camera_that_shakes_is_no_motion(pixels):
    rng = np.random.default_rng(3)
    seen = watched(40, lambda n: shaken(ROOM, *rng.integers(-pixels, pixels + 1, 2)))
    # Two pixels of 640 are one of the small picture; how far it shakes is known after some frames.
    assert "M" not in seen[3:]


# --- night ---


def test_a_dark_picture_and_one_without_colour_are_night_and_a_bright_one_in_colour_is_day():
    rng = np.random.default_rng(2)
    dark, grey, day = photographed(ROOM * 0.1, rng), infrared(ROOM).astype(np.uint8), photographed(ROOM, rng)
    assert [decisions([frame])[0].night for frame in (dark, grey, day)] == [True, True, False]


def test_night_sensitivity_counts_at_night_and_sensitivity_by_day():
    keen_at_night = GateSettings(sensitivity=0.1, night_sensitivity=0.9)
    assert watched(20, lambda n: faint(n, 30.0), settings=keen_at_night)[11:] == "M" * 9
    assert "M" not in watched(20, lambda n: faint(n, 100.0), settings=keen_at_night)


# --- places ---


def test_only_what_touches_a_zone_counts():
    seen = watched(24, lambda n: walking(n, 8, 22), settings=GateSettings(zones=(LEFT_HALF,)))
    # From x = 20 by 40 a frame: the left edge reaches the middle, 320, with the eighth step.
    assert seen[8:16] == "M" * 8 and "M" not in seen[17:]


def test_what_lies_in_an_ignored_part_counts_nowhere():
    seen = watched(24, lambda n: walking(n, 8, 22), settings=GateSettings(ignore=(LEFT_HALF,)))
    # The right edge, 50 further on, passes the middle with the seventh step.
    assert "M" not in seen[8:14] and seen[15:22] == "M" * 7


def test_a_gate_that_ignores_everything_still_keeps_alive():
    everything = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    seen = watched(30, lambda n: walking(n, 8, 22), settings=GateSettings(ignore=(everything,)))
    assert seen == "F" + "." * 24 + "K" + "...."


def test_nothing_that_moves_under_a_privacy_mask_is_motion():
    masks = PrivacyMasks((LEFT_HALF,))
    gate, rng, seen = MotionGate(GateSettings(), masks.polygons), np.random.default_rng(2), []
    for n in range(24):
        # A coat so bright that its edge glows over the edge of the mask in the blurred small picture.
        scene = with_person(ROOM, 20 + 40 * (n - 8), coat=190) if 8 <= n < 22 else ROOM
        frame = photographed(scene, rng)
        masks.apply(frame)
        seen.append(gate.consider(frame, float(n)))
    assert "M" not in letters(seen[:14]) and letters(seen[16:22]) == "M" * 6
    assert all(left >= 0.5 for decision in seen for left, *_ in decision.boxes_xyxy_rel)


@pytest.mark.parametrize(("before", "after", "expected"), [(0.05, 1.0, "L..K"), (0.6, 1.0, "L...")])
def test_light_is_told_from_motion_in_what_a_large_privacy_mask_leaves(before, after, expected):
    most = ((0.0, 0.0), (0.8, 0.0), (0.8, 1.0), (0.0, 1.0))
    masks, rng, seen = PrivacyMasks((most,)), np.random.default_rng(2), []
    gate = MotionGate(GateSettings(), masks.polygons)
    for n in range(24):
        frame = photographed(ROOM * (before if n < 10 else after), rng)
        masks.apply(frame)
        seen.append(gate.consider(frame, float(n)))
    assert letters(seen[10:14]) == expected and "M" not in letters(seen)
    assert not seen[-1].night


def test_another_resolution_starts_anew():
    rng = np.random.default_rng(2)
    frames = [photographed(ROOM, rng) for _ in range(10)]
    assert letters(decisions([*frames[:5], *(f[::2, ::2] for f in frames[5:])])) == "F....F...."


@pytest.mark.parametrize("shape", [(1, 1), (2, 700), (700, 2), (64, 64), (1081, 1919)])
def test_odd_sizes_are_taken(shape):
    rng = np.random.default_rng(2)
    frames = [rng.integers(0, 255, (*shape, 3), np.uint8) for _ in range(4)]
    assert letters(decisions(frames))[0] == "F"


def test_the_frame_itself_is_left_as_it_is():
    frame = photographed(ROOM, np.random.default_rng(2))
    before = frame.copy()
    decisions([frame, frame])
    assert (frame == before).all()


def test_time_that_jumps_back_sends_a_frame():
    gate, frame = MotionGate(GateSettings()), photographed(ROOM, np.random.default_rng(2))
    gate.consider(frame, 1000.0)
    assert gate.consider(frame, 5.0).reason is GateReason.KEEPALIVE
    assert gate.consider(frame, 6.0).reason is WithheldReason.NO_MOTION


# --- whatever happens ---

_HAPPENINGS = st.lists(
    st.tuples(st.sampled_from(["still", "walk", "stand", "dark", "infrared", "lamp", "noise"]), st.floats(0.0, 8.0)),
    min_size=1,
    max_size=40,
)


@settings(max_examples=25, deadline=None)
@given(_HAPPENINGS, st.floats(1.0, 30.0), st.floats(0.0, 1.0), st.booleans())
def test_whatever_happens_boxes_are_shares_and_silence_ends_with_keepalive_s(
    happenings, keepalive_s, sensitivity, zone
):
    gate = MotionGate(
        GateSettings(keepalive_s=keepalive_s, sensitivity=sensitivity, zones=(LEFT_HALF,) if zone else ())
    )
    rng, now_s, sent_at_s, light = np.random.default_rng(4), 0.0, None, lamp(0.3, 0.25, 2.2) * 0.45
    small = {
        "still": ROOM,
        "stand": with_person(ROOM, 300),
        "dark": ROOM * 0.1,
        "infrared": infrared(ROOM),
        "lamp": ROOM * light,
        "noise": rng.uniform(0, 255, ROOM.shape).astype(np.float32),
    }
    for number, (what, gap_s) in enumerate(happenings):
        now_s += gap_s
        scene = with_person(ROOM, 40 * (number % 14)) if what == "walk" else small[what]
        decision = gate.consider(photographed(scene, rng)[::4, ::4], now_s)
        assert decision.send == isinstance(decision.reason, GateReason)
        assert (number == 0) == (decision.reason is GateReason.FIRST)
        assert all(0 <= x < r <= 1 and 0 <= y < b <= 1 for x, y, r, b in decision.boxes_xyxy_rel)
        assert 0 <= decision.changed_share <= 1
        if decision.reason is GateReason.MOTION:
            assert decision.boxes_xyxy_rel
        if decision.send:
            sent_at_s = now_s
        else:
            assert sent_at_s is not None and now_s - sent_at_s < keepalive_s
