"""The spool's invariants under everything at once: kills, torn writes, flipped bytes, full disks, hours that pass."""

import errno
import os
import shutil
import tempfile
from collections import defaultdict
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from edge_client.buffer import Record
from edge_client.segment import Disk, frame_head, segment_paths
from edge_client.spool import LIVE_MAX_AGE_S, Spool
from edge_client.spool_tool import CameraFolder

MAX_BYTES = 16 * 1024
CAMERAS = ("a", "b")


class FaultyDisk(Disk):
    """A disk that fails as told; `kill` does to its open files what a kill does."""

    def __init__(self):
        self.fds = set()
        self.failing = set()  # operations
        self.error = errno.ENOSPC
        self.failures = 0  # how many more calls fail

    def _call(self, name):
        if self.failures and name in self.failing:
            self.failures -= 1
            raise OSError(self.error, os.strerror(self.error))

    def open(self, path, flags):
        self._call("open")
        fd = super().open(path, flags)
        self.fds.add(fd)
        return fd

    def close(self, fd):
        self.fds.discard(fd)
        super().close(fd)

    def write(self, fd, buffers, offset):
        if self.failures and "write" in self.failing:
            super().write(fd, (b"".join(buffers)[:20],), offset)  # the last free bytes
        self._call("write")
        return super().write(fd, buffers, offset)

    def truncate(self, fd, size):
        self._call("truncate")
        super().truncate(fd, size)

    def unlink(self, path):
        self._call("unlink")
        super().unlink(path)

    def read(self, fd, size, offset):
        self._call("read")
        return super().read(fd, size, offset)

    def kill(self):
        for fd in list(self.fds):
            self.close(fd)


class SpoolMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp())
        self.now_s = 0.0
        self.next_number = 0
        self.waiting = defaultdict(set)  # camera -> numbers that were taken in and neither settled nor dropped
        self.settled = set()
        self.may_come_again = set()  # settled while the disk refused
        self.nameless = dict.fromkeys(CAMERAS, 0)  # dropped while the disk did not say which
        self.on_the_way = []
        self.last_taken = {}
        self.reported = []
        self.open()

    def open(self):
        self.disk = FaultyDisk()
        self.disk_failed = False
        self.spool = Spool(
            self.folder,
            CAMERAS,
            max_bytes=MAX_BYTES,
            sync_after_s=None,
            on_dropped=self.reported.append,
            clock=lambda: self.now_s,
            disk=self.disk,
        )
        self.on_the_way = []
        self.last_taken = {}

    def on_disk(self):
        return {
            camera: {int(frame_id.split(".")[1]) for frame_id in CameraFolder(self.folder / camera).frame_ids()}
            for camera in CAMERAS
        }

    def note_drops(self, dropped):
        for one in [*dropped, *self.reported]:
            if one.frame_id:
                number = int(one.frame_id.split(".")[1])
                self.waiting[one.camera_id].remove(number)  # fails when it was dropped twice, or had been settled
            else:
                assert self.disk_failed
                self.nameless[one.camera_id] += 1
        self.reported.clear()

    @rule(camera=st.sampled_from(CAMERAS), size=st.integers(0, 1500))
    def put(self, camera, size):
        number, self.next_number = self.next_number, self.next_number + 1
        self.waiting[camera].add(number)
        record = Record(camera, f"{camera}.{number}", bytes([number % 251]) * size)
        self.note_drops(self.spool.put(record, drop_oldest=True))

    @rule(camera=st.sampled_from(CAMERAS), sizes=st.lists(st.integers(0, 1500), min_size=10, max_size=25))
    def put_a_burst(self, camera, sizes):
        for size in sizes:
            self.put(camera, size)

    @rule(backlog_bytes=st.integers(0, 4000))
    def take(self, backlog_bytes):
        batch = self.spool.take(timeout_s=0, backlog_bytes=backlog_bytes)
        self.note_drops([])
        assert len({record.is_backlog for record in batch}) <= 1
        if backlog_bytes == 0:
            assert not any(record.is_backlog for record in batch)
        for record in batch:
            number = int(record.frame_id.split(".")[1])
            assert number in self.waiting[record.camera_id] or number in self.may_come_again
            assert record.data == bytes([number % 251]) * len(record.data)
            lane = (record.camera_id, record.is_backlog)
            assert number > self.last_taken.get(lane, -1)
            self.last_taken[lane] = number
        self.on_the_way += batch

    @precondition(lambda self: self.on_the_way)
    @rule(data=st.data())
    def ack(self, data):
        record = self.on_the_way.pop(data.draw(st.integers(0, len(self.on_the_way) - 1)))
        number = int(record.frame_id.split(".")[1])
        if self.disk.failures:
            self.may_come_again.add(number)
        self.spool.ack(record)
        self.spool.ack(record)  # twice is once
        self.note_drops([])
        self.waiting[record.camera_id].discard(number)
        self.settled.add(number)

    @precondition(lambda self: self.on_the_way)
    @rule()
    def ack_all(self):
        while self.on_the_way:
            record = self.on_the_way.pop(0)
            number = int(record.frame_id.split(".")[1])
            if self.disk.failures:
                self.may_come_again.add(number)
            self.spool.ack(record)
            self.waiting[record.camera_id].discard(number)
            self.settled.add(number)
        self.note_drops([])

    @rule(seconds=st.sampled_from([0.5, LIVE_MAX_AGE_S + 1, 1e6]))
    def time_passes(self, seconds):
        self.now_s += seconds

    @rule(
        failing=st.sets(st.sampled_from(["open", "write", "truncate", "unlink", "read"]), min_size=1),
        failures=st.integers(1, 12),
        error=st.sampled_from([errno.ENOSPC, errno.EIO, errno.EROFS]),
    )
    def the_disk_fails(self, failing, failures, error):
        self.disk_failed = True
        self.disk.failing, self.disk.failures, self.disk.error = failing, failures, error

    @rule()
    def the_disk_is_well_again(self):
        self.disk.failures = 0

    @rule(how=st.sampled_from(["kill", "torn write", "power loss", "flip"]), data=st.data())
    def crash(self, how, data):
        alone = set(self.spool.in_memory_alone)
        self.disk.kill()
        for camera in CAMERAS:
            self.waiting[camera] -= {int(f.split(".")[1]) for f in alone if f.startswith(camera)}
        paths = [p for camera in CAMERAS for p in segment_paths(self.folder / camera)[-1:] if p.stat().st_size]
        hurt = 0
        if paths and how != "kill":
            path = data.draw(st.sampled_from(paths))
            size = path.stat().st_size
            if how == "torn write":
                record = frame_head("x.0", b"x" * 300) + b"x" * 300
                with path.open("ab") as file:
                    file.write(record[: data.draw(st.integers(1, len(record) - 1))])
            elif how == "power loss":
                hurt = 1
                os.truncate(path, size - data.draw(st.integers(1, 22)))  # no record is smaller
            else:
                hurt = 1
                at = data.draw(st.integers(0, size - 1))
                content = bytearray(path.read_bytes())
                content[at] ^= data.draw(st.integers(1, 255))
                path.write_bytes(content)
        self.reopen(hurt)

    @rule()
    def stop_and_start(self):
        self.note_drops(self.spool.abort())
        self.disk.kill()
        self.reopen(0)

    def reopen(self, hurt):
        """hurt: how many records the crash may have cost."""
        self.open()
        self.reported.clear()
        missing = 0
        for camera, numbers in self.on_disk().items():
            again = numbers - self.waiting[camera]
            assert again <= self.may_come_again
            missing += max(0, len(self.waiting[camera] - numbers) - self.nameless[camera])
            self.waiting[camera] = numbers
            self.nameless[camera] = 0
        assert missing <= hurt

    @invariant()
    def every_record_is_accounted_for(self):
        if not hasattr(self, "spool"):
            return
        for camera in CAMERAS:
            assert self.spool.depth(camera).records == len(self.waiting[camera]) - self.nameless[camera]

    @invariant()
    def the_bound_holds(self):
        if not hasattr(self, "spool"):
            return
        assert self.spool.disk_bytes <= MAX_BYTES

    def teardown(self):
        if not hasattr(self, "spool"):
            return
        self.note_drops([])
        # With a disk that works, all that waits comes, once and in order.
        self.disk.failures = 0
        self.on_the_way.clear()
        self.disk.kill()
        alone = set(self.spool.in_memory_alone)
        for camera in CAMERAS:
            self.waiting[camera] -= {int(f.split(".")[1]) for f in alone if f.startswith(camera)}
        self.reopen(0)
        while batch := self.spool.take(timeout_s=0, backlog_bytes=4000):
            for record in batch:
                self.waiting[record.camera_id].remove(int(record.frame_id.split(".")[1]))
                self.spool.ack(record)
        self.note_drops([])
        assert not any(self.waiting.values())
        self.spool.abort()
        assert not [p for camera in CAMERAS for p in segment_paths(self.folder / camera)]
        self.disk.kill()
        shutil.rmtree(self.folder)


SpoolMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestSpool = SpoolMachine.TestCase
