"""The screen: what it says of a frame, that it holds nobody up, and that its troubles cost no frame."""

import threading

import cv2
import numpy as np
import pytest

from edge_client.config import EdgeFileError, read_edge_text
from edge_client.gate_settings import GateSettings
from edge_client.ledger import Ledger
from edge_client.pipe import Job, Kind
from edge_client.screen import Screen, try_screen
from edge_client.screen_settings import ScreenSettings, Verdict
from edge_client.worker import Worker
from framewatch.adapters.vision.base import Detection, ModelError
from framewatch.wire.envelope import decode_envelope
from tests.edge_jobs import folder_job
from tests.scenes import photographed, room, with_person
from tests.waiting import wait_until

FRAME = np.zeros((36, 64, 3), np.uint8)
SETTINGS = ScreenSettings(model="model.onnx", labels=("Person", "dog"))
BOX = (0.1, 0.1, 0.5, 0.9)


class Model:
    """Sees what it is told to see; `held`: not before it is let go."""

    name, class_names, input_size_px = "model", ("person",), (64, 64)

    def __init__(self, *seen, error=None):
        self.seen, self.error = [Detection(name, confidence, BOX) for name, confidence in seen], error
        self.held = threading.Event()
        self.held.set()
        self.asked = []

    def detect(self, image_bgr, min_confidence):
        self.asked.append((image_bgr.shape, min_confidence))
        self.held.wait(20)
        if self.error is not None:
            raise self.error
        return [thing for thing in self.seen if thing.confidence >= min_confidence]


def screen_of(model, patience_s=20.0):
    told = []
    screen = Screen(SETTINGS, told.append, load=lambda _: model, patience_s=patience_s)
    screen._model.result(20)
    return screen, told


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        ([], Verdict.NOTHING),
        ([("person", 15.0)], Verdict.SEEN),
        ([("person", 14.9)], Verdict.NOTHING),
        ([("car", 99.0)], Verdict.NOTHING),
        ([("car", 99.0), ("dog", 20.0)], Verdict.SEEN),
    ],
)
def test_a_frame_is_screened_out_when_none_of_the_labels_has_the_least_confidence(seen, verdict):
    model = Model(*seen)
    screen, told = screen_of(model)
    assert screen.look(FRAME) is verdict
    assert model.asked == [((36, 64, 3), 15.0)] and told == []


def test_while_the_model_is_being_loaded_nothing_is_screened_out_and_nothing_is_wrong():
    loaded = threading.Event()
    told = []
    screen = Screen(SETTINGS, told.append, load=lambda _: loaded.wait(20) and Model())
    assert screen.look(FRAME) is Verdict.NOT_ASKED
    loaded.set()
    wait_until(lambda: screen.look(FRAME) is Verdict.NOTHING)
    assert told == []


def test_a_model_that_cannot_be_loaded_is_told_once_and_screens_nothing_out():
    told = []
    settings = ScreenSettings(model="/no/such.onnx", labels=("person",))
    screen = Screen(settings, told.append)
    wait_until(lambda: screen.look(FRAME) is Verdict.FAILED)
    assert [screen.look(FRAME) for _ in range(3)] == [Verdict.FAILED] * 3
    assert len(told) == 1 and "/no/such.onnx does not exist" in told[0]


@pytest.mark.parametrize(
    "error", [ModelError("of another shape"), cv2.error("layer 7"), MemoryError(), ValueError("x" * 9000)]
)
def test_a_model_that_fails_is_told_once_and_asked_again(error):
    model = Model(error=error)
    screen, told = screen_of(model)
    assert [screen.look(FRAME) for _ in range(3)] == [Verdict.FAILED] * 3
    assert len(told) == 1 and len(told[0]) < 400
    model.error = None
    assert screen.look(FRAME) is Verdict.NOTHING


def test_a_model_that_takes_too_long_holds_no_frame_up_and_is_asked_again_when_it_is_done():
    model = Model()
    screen, told = screen_of(model, patience_s=0.01)
    model.held.clear()
    assert [screen.look(FRAME) for _ in range(3)] == [Verdict.FAILED] * 3
    assert len(model.asked) == 1  # two at once would take twice as long
    assert told == ["the screen is passed over: its model takes longer than 0.01 s; use a smaller one"]
    screen._patience_s = 20.0
    model.held.set()
    wait_until(lambda: screen.look(FRAME) is Verdict.NOTHING)
    assert len(model.asked) == 2  # nor is it asked later about frames that are gone


def test_a_model_that_is_tried_and_takes_longer_than_a_frame_waits_is_told_so(monkeypatch):
    monkeypatch.setattr("edge_client.screen.PATIENCE_S", 0.0)
    works, line = try_screen(SETTINGS, FRAME, load=lambda _: Model(("person", 60.0)))
    assert not works and "and a frame waits 0 s for it: use a smaller one" in line


def test_a_model_that_is_tried_and_sees_a_label_says_which():
    works, line = try_screen(SETTINGS, FRAME, load=lambda _: Model(("person", 60.0), ("car", 90.0)))
    assert works and line.endswith("a picture; this one shows person")


@pytest.mark.parametrize("error", [cv2.error("layer 7"), MemoryError()])
def test_a_model_that_fails_when_it_is_tried_is_a_line(error):
    works, line = try_screen(SETTINGS, FRAME, load=lambda _: Model(error=error))
    assert not works and line.startswith("screen: its model model.onnx failed (") and "\n" not in line


# -- in the worker ---------------------------------------------------------------------------------------------------


def sent_of(folder, monkeypatch, model):
    """(what each frame says, the screen's verdicts, warnings)"""
    monkeypatch.setattr("edge_client.screen.load_detector", lambda *_, **__: model)
    gate = GateSettings(keepalive_s=2).model_dump(mode="json")
    job = folder_job(folder, gate=gate, screen=SETTINGS.model_dump(mode="json"))
    messages = []
    worker = Worker(
        Job.from_json(job.to_json()),
        lambda kind, facts, record: messages.append((kind, facts, record)),
        lambda _: None,
    )
    worker._screen._model.result(20)
    worker.run()
    frames = [(facts, decode_envelope(record).meta.hint) for kind, facts, record in messages if kind is Kind.FRAME]
    warnings = [facts["message"] for kind, facts, _ in messages if kind is Kind.WARNING]
    return [hint for _, hint in frames], [facts["screen"] for facts, _ in frames], warnings


@pytest.fixture
def visited_room(tmp_path):
    """Sent are: the first, two that repeat it, somebody, and the empty room anew."""
    rng = np.random.default_rng(2)
    for n in range(9):
        scene = with_person(room(), 240) if n == 5 else room()
        cv2.imwrite(str(tmp_path / f"{n}.png"), photographed(scene, rng))
    return tmp_path


def test_frames_are_sent_whatever_the_screen_says_and_one_that_repeats_another_is_not_looked_at(
    visited_room, monkeypatch
):
    model = Model()
    hints, verdicts, warnings = sent_of(visited_room, monkeypatch, model)
    assert [hint.screened_out for hint in hints] == [True] * 5
    assert [hint.same_as is not None for hint in hints] == [False, True, True, False, False]
    assert verdicts == [Verdict.NOTHING] * 5 and len(model.asked) == 3 and warnings == []


def test_a_frame_that_repeats_one_in_which_something_was_seen_is_not_screened_out(visited_room, monkeypatch):
    hints, verdicts, _ = sent_of(visited_room, monkeypatch, Model(("person", 80.0)))
    assert not any(hint.screened_out for hint in hints)
    assert verdicts == [Verdict.SEEN] * 5 and [hint.same_as is not None for hint in hints][1:3] == [True, True]


def test_a_screen_that_fails_costs_no_frame_and_is_told_once(visited_room, monkeypatch):
    hints, verdicts, warnings = sent_of(visited_room, monkeypatch, Model(error=cv2.error("layer 7")))
    assert len(hints) == 5 and not any(hint.screened_out for hint in hints)
    assert verdicts == [Verdict.FAILED] * 5
    assert warnings == ["the screen is passed over: its model failed (error)"]


def test_what_the_screen_said_is_counted_and_a_failure_once_for_each_frame_it_was_asked_about():
    ledger = Ledger()
    for repeats, screen in (
        (False, Verdict.NOTHING),
        (True, Verdict.NOTHING),
        (False, Verdict.FAILED),
        (True, Verdict.FAILED),
        (False, Verdict.SEEN),
        (False, None),
    ):
        ledger.sampled("front", repeats=repeats, screen=screen)
    account = ledger.account("front")
    assert (account.sampled, account.repeated, account.screened_out, account.screen_failed) == (6, 2, 2, 1)


# -- in the edge file ------------------------------------------------------------------------------------------------

EDGE_FILE = """\
box: attic
stream: {name: frames}
spool: {folder: /tmp/spool}
SCREEN
cameras:
  - {id: front, source: 0}
  - {id: yard, source: 1, screen: false}
"""


def screens(line):
    config = read_edge_text(EDGE_FILE.replace("SCREEN", line))
    return [config.edge_camera(camera).screen for camera in config.cameras]


def test_a_box_has_no_screen_unless_it_is_asked_for_and_a_camera_may_go_without():
    assert screens("") == [None, None]
    assert screens("screen: {model: model.onnx, labels: [Person, dog]}") == [SETTINGS, None]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("screen: {model: a.onnx}", "screen.labels"),
        ("screen: {model: a.onnx, labels: []}", "screen.labels"),
        ("screen: {model: a.onnx, labels: [persn]}", "did you mean person"),
        ("screen: {model: a.onnx, labels: [Vehicle]}", "no such model can see 'Vehicle'"),
        ("screen: {model: 'https://example.org/a.onnx', labels: [person]}", "a box downloads no models"),
        ("screen: {model: a.onnx, sha256: abc, labels: [person]}", "64 hexadecimal digits"),
        ("screen: {model: a.onnx, labels: [person], min_confidence: 101}", "screen.min_confidence"),
    ],
)
def test_a_mistake_in_it_is_told_with_the_fix(line, says):
    with pytest.raises(EdgeFileError, match=says) as caught:
        screens(line)
    assert str(caught.value).startswith("cameras.yaml:4:")
