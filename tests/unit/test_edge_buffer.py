"""The buffer: bounded for each camera, in order, and nothing disappears in silence."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from edge_client.buffer import MAX_BATCH_BYTES, MAX_BATCH_RECORDS, Depth, FrameBuffer, Record


def record(camera_id, number, size=10):
    return Record(camera_id, f"{camera_id}.{number}", bytes(size))


def take(buffer):
    return [r.frame_id for r in buffer.take(timeout_s=0)]


def test_a_full_live_camera_gives_up_its_oldest_and_says_which():
    buffer = FrameBuffer(["a", "b"], room_records=2)
    buffer.put(record("b", 0), drop_oldest=True)
    dropped = [r.frame_id for n in range(4) for r in buffer.put(record("a", n), drop_oldest=True)]
    assert dropped == ["a.0", "a.1"]
    assert sorted(take(buffer)) == ["a.2", "a.3", "b.0"]


def test_a_live_camera_s_room_is_bounded_in_bytes_too():
    buffer = FrameBuffer(["a"], room_bytes=100)
    assert not buffer.put(record("a", 0, 60), drop_oldest=True)
    assert [r.frame_id for r in buffer.put(record("a", 1, 60), drop_oldest=True)] == ["a.0"]
    assert not FrameBuffer(["a"], room_bytes=10).put(record("a", 0, 60), drop_oldest=True)  # alone it may stay


def test_a_full_clip_waits_until_there_is_room():
    buffer = FrameBuffer(["a"], room_records=1)
    buffer.put(record("a", 0), drop_oldest=False)
    put = threading.Event()
    thread = threading.Thread(target=lambda: (buffer.put(record("a", 1), drop_oldest=False), put.set()))
    thread.start()
    assert not put.wait(0.05)
    assert take(buffer) == ["a.0"]
    assert put.wait(10)
    thread.join()
    assert take(buffer) == ["a.1"]


def test_an_abort_hands_back_what_waits_and_frees_whoever_waits_for_room():
    buffer = FrameBuffer(["a"], room_records=1)
    buffer.put(record("a", 0), drop_oldest=False)
    homeless = []
    thread = threading.Thread(target=lambda: homeless.extend(buffer.put(record("a", 1), drop_oldest=False)))
    thread.start()
    assert [r.frame_id for r in buffer.abort()] == ["a.0"]
    thread.join(10)
    assert [r.frame_id for r in homeless] == ["a.1"]


def test_it_is_finished_when_every_camera_is_closed_and_nothing_waits():
    buffer = FrameBuffer(["a", "b"])
    buffer.put(record("a", 0), drop_oldest=False)
    buffer.close("a")
    buffer.close("b")
    assert not buffer.is_finished
    assert take(buffer) == ["a.0"]
    assert buffer.is_finished


def test_a_batch_of_heavy_records_stops_at_the_bytes_a_request_may_hold():
    buffer = FrameBuffer(["a", "b"])
    for n in range(8):
        buffer.put(record("ab"[n % 2], n, 1_000_000), drop_oldest=False)
    assert [len(take(buffer)), len(take(buffer)), len(take(buffer))] == [5, 3, 0]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 1024 * 1024 - 2)), max_size=40),
    st.integers(0, 1200),
)
def test_batches_hold_a_request_s_limits_keep_each_camera_s_order_and_lose_nothing(heavy, light):
    buffer = FrameBuffer(["a", "b", "c"], room_records=10_000, room_bytes=1 << 40)
    records = [record(c, n, size) for n, (c, size) in enumerate(heavy)]
    records += [record("abc"[n % 3], 1000 + n, 1) for n in range(light)]
    for r in records:
        assert not buffer.put(r, drop_oldest=False)
    got = []
    while batch := buffer.take(timeout_s=0):
        assert len(batch) <= MAX_BATCH_RECORDS
        assert sum(len(r.data) + len(r.camera_id) for r in batch) <= MAX_BATCH_BYTES
        got += batch
    for camera_id in "abc":
        assert [r for r in got if r.camera_id == camera_id] == [r for r in records if r.camera_id == camera_id]


def test_what_was_taken_waits_until_it_is_settled():
    buffer = FrameBuffer(["a"])
    for n in range(2):
        buffer.put(record("a", n, 9), drop_oldest=False)
    assert buffer.depth("a") == Depth(records=2, bytes=20)
    [first, second] = buffer.take(timeout_s=0)
    assert buffer.depth("a").records == 2
    buffer.ack(first)
    assert buffer.depth("a") == Depth(records=1, bytes=10)
    buffer.ack(second)
    buffer.ack(record("a", 7))  # never put: nothing happens
    assert buffer.depth("a") == Depth()


def test_a_camera_that_joins_later_has_a_room_of_its_own():
    buffer = FrameBuffer([])
    buffer.open("late")
    assert not buffer.put(record("late", 0), drop_oldest=False)
    assert take(buffer) == ["late.0"]
