"""run_edge into a stream that keeps what it is given, until a condition on the events holds."""

import threading
from collections import Counter

from edge_client.client import run_edge
from edge_client.events import FrameSampled
from framewatch.wire.envelope import decode_envelope


class KeepingStream:
    def __init__(self):
        self.frames = []

    def put_records(self, *, StreamName, Records):
        self.frames += [decode_envelope(record["Data"]) for record in Records]
        return {"Records": [{"ShardId": "s-0", "SequenceNumber": "1"} for _ in Records]}


class Outcome:
    """Of one camera: its events, its frames, the report."""

    def __init__(self, camera, until=lambda events: False):
        self.stream, self.events, stop = KeepingStream(), [], threading.Event()

        def on_event(event):
            self.events.append(event)
            if until(self.events):
                stop.set()

        self.report = run_edge([camera], self.stream, "frames", on_event=on_event, stop=stop)

    def of(self, kind):
        return [event for event in self.events if type(event) is kind]

    @property
    def text(self):
        return repr(self.events) + repr(self.report)


def after(count):
    """So many frames were sampled."""
    return lambda events: Counter(map(type, events))[FrameSampled] >= count
