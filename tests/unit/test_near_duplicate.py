"""Which keep-alives repeat an earlier frame, on made pictures: R where one does, else the letter of the gate."""

import cv2
import numpy as np
import pytest

from edge_client import worker
from edge_client.gate import GateSettings, MotionGate
from edge_client.near_duplicate import MOST_AGE_S
from edge_client.pipe import Kind
from edge_client.worker import Worker
from framewatch.domain.errors import FrameTooLarge
from framewatch.domain.frames import FrameRef, GateReason
from framewatch.wire.envelope import decode_envelope
from tests.batches import run
from tests.edge_jobs import folder_job
from tests.fakes import World, make_site
from tests.frames import make_record
from tests.scenes import LETTERS, Scene, decisions, infrared, photographed, room, shaken, with_person

ROOM = room()
TOP_LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (0.0, 0.5))


def watched(frames, scene_at, *, noise=3.0, grey=False, settings=None, every_s=1.0):
    rng = np.random.default_rng(2)
    found = decisions(
        (photographed(scene_at(n), rng, noise, grey=grey) for n in range(frames)), settings, every_s=every_s
    )
    return "".join("R" if decision.repeats else LETTERS[decision.reason] for decision in found)


def sent(letters):
    return "".join(letter for letter in letters if letter in "FMKR!")


def with_text(text: str) -> Scene:
    scene = np.clip(ROOM, 0, 255).astype(np.uint8)
    cv2.putText(scene, text, (8, 40), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (255, 255, 255), 3)
    return scene.astype(np.float32)


@pytest.mark.parametrize("noise", [3.0, 8.0])
def test_keep_alives_of_an_empty_room_repeat_its_first_frame(noise):
    assert watched(60, lambda n: ROOM, noise=noise) == "F" + "." * 24 + "R" + "." * 24 + "R" + "." * 9


def test_by_night_too():
    assert sent(watched(60, lambda n: infrared(ROOM) * 0.5, noise=10, grey=True)) == "FRR"


def test_a_camera_that_shakes_a_little_still_shows_the_same():
    rng = np.random.default_rng(5)
    assert sent(watched(60, lambda n: shaken(ROOM, *rng.uniform(-0.5, 0.5, 2)))) == "FRR"


def test_after_ten_minutes_at_most_the_same_is_looked_at_anew():
    found = watched(52, lambda n: ROOM, every_s=25.0)
    assert found == "F" + "R" * 24 + "K" + "R" * 24 + "KR"
    assert MOST_AGE_S == 24 * 25


def test_a_repeat_is_compared_with_what_was_analysed_so_that_nothing_creeps_in():
    """Each frame shows what the one before it showed, and the last one is another picture than the first."""

    def fading(n):
        return with_person(ROOM, 240, coat=100.0) * (n / 16) + ROOM * (1 - n / 16)

    seen = watched(17, fading, every_s=25.0, settings=GateSettings(sensitivity=0.0))
    assert "M" not in seen and seen.count("K") >= 2


def test_who_stands_there_is_looked_at_each_time():
    """One frame in which the model misses somebody must do no harm: the next is asked about, too."""
    seen = watched(60, lambda n: with_person(ROOM, 240) if n >= 8 else ROOM)
    assert sent(seen) == "FMKKK"


def test_the_empty_room_after_a_visitor_is_no_repeat_of_the_visitors_last_frame():
    seen = watched(80, lambda n: with_person(ROOM, 20 + 60 * (n - 10)) if 10 <= n < 20 else ROOM)
    assert sent(seen) == "F" + "M" * 10 + "KR"


def test_somebody_too_pale_for_the_gate_is_no_repeat():
    """However little its owner wants to be sent."""
    settings = GateSettings(sensitivity=0.0)
    pale = ROOM.copy()
    pale[120:280, 240:290] += 13
    seen = watched(60, lambda n: pale if n >= 20 else ROOM, settings=settings)
    assert seen[25] == "K" and seen[50] == "R" and "M" not in seen


def test_another_light_is_looked_at_anew():
    seen = watched(60, lambda n: ROOM * (1.0 if n < 10 else 0.6))
    assert seen[10] == "L" and sent(seen) == "FKR"


def test_a_clock_in_an_ignored_corner_goes_on_and_a_car_there_does_not():
    ignoring = GateSettings(ignore=(TOP_LEFT,))
    assert sent(watched(60, lambda n: with_text(f"{n // 60:02}:{n % 60:02}"), settings=ignoring)) == "FRR"
    passing = watched(60, lambda n: with_person(ROOM, 40, 40, size=(80, 50)) if n == 50 else ROOM, settings=ignoring)
    assert (passing[25], passing[50]) == ("R", "K")


def test_a_first_frame_and_one_that_nobody_asked_about_repeat_nothing():
    rng = np.random.default_rng(2)
    gate = MotionGate(GateSettings())
    assert not gate.consider(photographed(ROOM, rng), 0.0).repeats
    small = cv2.resize(photographed(ROOM, rng), (320, 180))
    found = gate.consider(small, 25.0)
    assert (found.reason, found.repeats) == (GateReason.FIRST, False)
    assert set(watched(60, lambda n: ROOM, settings=GateSettings(enabled=False))) == {"!"}


# -- what the worker makes of it -------------------------------------------------------------------------------------


def records_of(folder):
    job = folder_job(folder, gate=GateSettings(keepalive_s=2).model_dump(mode="json"))
    messages = []
    Worker(job, lambda kind, facts, record: messages.append((kind, facts, record)), lambda _: None).run()
    return [(facts, record) for kind, facts, record in messages if kind is Kind.FRAME]


def sent_of(folder):
    records = records_of(folder)
    frames = [decode_envelope(record).meta for _, record in records]
    assert [facts["repeats"] for facts, _ in records] == [meta.hint.same_as is not None for meta in frames]
    return frames


@pytest.fixture
def empty_room(tmp_path):
    rng = np.random.default_rng(2)
    for n in range(9):  # a folder is played at one image a second
        cv2.imwrite(str(tmp_path / f"{n}.png"), photographed(with_person(ROOM, 240) if n == 5 else ROOM, rng))
    return tmp_path


def test_a_repeat_names_the_frame_that_it_repeats_and_is_sent_all_the_same(empty_room):
    frames = sent_of(empty_room)
    assert [meta.gate.reason for meta in frames] == ["first", "keepalive", "keepalive", "motion", "keepalive"]
    first, _, _, motion, _ = frames
    same_as = [meta.hint.same_as for meta in frames]
    assert same_as == [None, *[FrameRef(first.boot_id, 0, first.captured_at)] * 2, None, None]
    assert motion.seq == 3


def test_the_cloud_takes_it_at_its_word_and_asks_vision_about_the_others_alone(empty_room):
    world = World(make_site())
    raw = [make_record(record, n) for n, (_, record) in enumerate(records_of(empty_room))]
    assert run(world, *raw).failed_record_ids == ()
    stored = sorted(world.frames.stored.values(), key=lambda frame: frame.seq)
    assert [frame.analysis for frame in stored] == ["analysed", "inherited", "inherited", "analysed", "analysed"]
    assert len(world.vision.calls) == 3


def test_nothing_repeats_a_frame_that_could_not_be_sent(tmp_path, monkeypatch):
    rng = np.random.default_rng(2)
    for n in range(9):
        cv2.imwrite(str(tmp_path / f"{n}.png"), photographed(room(9) if n >= 3 else ROOM, rng))
    encode, tried = worker.encode_to_fit, []

    def encode_all_but_the_new_view(*asked):
        tried.append(asked)
        if len(tried) == 3:
            raise FrameTooLarge("so large")
        return encode(*asked)

    assert [frame.hint.same_as and frame.hint.same_as.seq for frame in sent_of(tmp_path)] == [None, 0, None, 2, 2]
    monkeypatch.setattr(worker, "encode_to_fit", encode_all_but_the_new_view)
    assert [frame.hint.same_as and frame.hint.same_as.seq for frame in sent_of(tmp_path)] == [None, 0, None, 2]
