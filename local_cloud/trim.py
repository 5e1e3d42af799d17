"""Keeps a long demo within bounds. The emulator holds everything in memory and applies no TTL and no lifecycle.

Only through public AWS calls, and never what is still needed: the newest frames stay, whole; older ones go with
their picture, their index items and their marks. Visits and alerts stay: a visit is some hundred bytes.

A stream keeps records for a day at least, and nothing but deleting it frees them. So once it holds `STREAM_BYTES`,
writers are held back for a moment, what is in it is processed, and it is made anew under the same name.
"""

import threading
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from framewatch.adapters.aws.dynamo import MAX_BATCH_WRITE, chunks_of
from framewatch.wire.frame_items import StoredFrame
from framewatch.wire.items import day_of, frame_indexes, frame_sort_key, index_key, index_name, seen_key
from local_cloud.clients import ClientFactory

KEEP_FRAMES = 3000
STREAM_BYTES = 128 * 1024 * 1024
_EVERY_S = 30.0
_LOGS_EVERY = 20  # looks: what the functions wrote last stays readable for ten minutes
_DRAIN_PATIENCE_S = 300


class GatedKinesis:
    """The edge's client: counts what goes into the stream, and can be held shut."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.shut = threading.Lock()
        self.bytes_put = 0

    def put_records(self, **request: Any) -> Any:
        with self.shut:
            self.bytes_put += sum(len(r["Data"]) for r in request["Records"])
            return self._client.put_records(**request)


class Trimmer:
    """Looks every half minute, in a thread of its own. What fails is tried again at the next look."""

    def __init__(
        self,
        client: ClientFactory,
        outputs: dict[str, str],
        kinesis: GatedKinesis,
        drained: Callable[[float], bool],
        renew_stream: Callable[[], None],
        *,
        keep_frames: int = KEEP_FRAMES,
        stream_bytes: int = STREAM_BYTES,
    ) -> None:
        """drained: whether all that is in the stream is processed, after so many seconds at most.

        renew_stream: called while nobody writes and nothing is left in it.
        """
        self._client = client
        self._table = outputs["TableName"]
        self._bucket = outputs["FramesBucketName"]
        self._kinesis = kinesis
        self._drained = drained
        self._renew_stream = renew_stream
        self._keep_frames = keep_frames
        self._stream_bytes = stream_bytes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trim", daemon=True)
        self._looks = 0
        self.removed_frames = 0
        self.renewed_streams = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(5)

    def look(self) -> None:
        """Raises ClientError and BotoCoreError."""
        if self._kinesis.bytes_put >= self._stream_bytes:
            with self._kinesis.shut:
                self._renew_when_drained()
        self._trim_frames()
        self._looks += 1
        if self._looks % _LOGS_EVERY == 0:
            self._trim_logs()

    def _run(self) -> None:
        while not self._stop.wait(_EVERY_S):
            try:
                self.look()
            except (ClientError, BotoCoreError):
                continue

    def _renew_when_drained(self) -> None:
        """Writers wait meanwhile: where cameras are faster than the machine, this is what slows them down."""
        for _ in range(_DRAIN_PATIENCE_S):
            if self._stop.is_set():
                return
            if self._drained(1.0):
                self._renew_stream()
                self._kinesis.bytes_put = 0
                self.renewed_streams += 1
                return

    def _trim_frames(self) -> None:
        s3 = self._client("s3")
        # The picture's key ends with the frame id, which sorts by time within a camera's life.
        objects = [
            (entry["LastModified"], entry["Key"])
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix="frames/")
            for entry in page.get("Contents", [])
        ]
        extra = len(objects) - self._keep_frames
        if extra <= 0:
            return
        days = sorted({tuple(key.split("/")[1:5]) for _, key in sorted(objects)[:extra]})
        left = extra
        for camera_id, *ymd in days:
            left -= self._remove_oldest(camera_id, "-".join(ymd), left)
        self.removed_frames += extra - left

    def _remove_oldest(self, camera_id: str, day: str, at_most: int) -> int:
        """Frames of a camera and day, oldest first; with everything that points at them."""
        dynamodb = self._client("dynamodb")
        items = dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": index_key(index_name(camera_id), day)}},
        )
        docs = (item["doc"]["S"] for page in items for item in page["Items"])
        frames = [StoredFrame.read(doc) for doc in islice(docs, at_most)]
        for frame in frames:
            self._delete_items(_keys_of(frame))
            self._client("s3").delete_object(Bucket=self._bucket, Key=frame.image_key)
        return len(frames)

    def _delete_items(self, keys: Iterable[tuple[str, str]]) -> None:
        for chunk in chunks_of(MAX_BATCH_WRITE, keys):
            requests = [{"DeleteRequest": {"Key": {"pk": {"S": pk}, "sk": {"S": sk}}}} for pk, sk in chunk]
            self._client("dynamodb").batch_write_item(RequestItems={self._table: requests})

    def _trim_logs(self) -> None:
        """The functions go on writing: a log stream that is gone is made anew."""
        logs = self._client("logs")
        for group in logs.describe_log_groups()["logGroups"]:
            name = group["logGroupName"]
            for stream in logs.describe_log_streams(logGroupName=name)["logStreams"]:
                logs.delete_log_stream(logGroupName=name, logStreamName=stream["logStreamName"])


def _keys_of(frame: StoredFrame) -> list[tuple[str, str]]:
    """The frame item last: while it is there, the next look finds the frame again."""
    day = day_of(frame.captured_at)
    labels = [label.to_domain() for label in frame.labels]
    sort_key = frame_sort_key(frame.captured_at, frame.frame_id)
    keys = [(index_key(i, day), sort_key) for i in frame_indexes(frame.camera_id, labels, frame.watch_hit)]
    keys += [(seen_key(frame.frame_id), name) for name in {n for label in labels for n in label.names_folded}]
    return [*keys, (index_key(index_name(frame.camera_id), day), sort_key)]
