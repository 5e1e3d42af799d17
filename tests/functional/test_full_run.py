"""The whole pipeline on this machine: a real clip, the deployed template, the real functions, a real model."""

import json
import os
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from edge_client.sampler import EveryNth
from framewatch.domain.usage import UsageKind
from framewatch.wire.items import HEALTH_KEY
from framewatch.wire.use_items import StoredProcessUse
from local_cloud.cameras import demo_clip
from local_cloud.cli import main
from local_cloud.event_source import connect
from local_cloud.stream_batches import MappingSettings
from local_cloud.trim import Trimmer
from tests.played import Played

# They share a stack that has played a clip.
pytestmark = pytest.mark.slow


# Each visit by itself: without a cool-down, and without incidents that a visit of another label would join.
SITE = """
cameras: [{id: bikes}]
contacts: [{id: me, phone: "+12025550123"}]
watch: {labels: [Person, Car], notify: [me], cool_down_s: 0}
alerts: {incident_window_s: 0}
"""


@pytest.fixture(scope="module")
def bikes(assembly, tmp_path_factory):
    site_file = tmp_path_factory.mktemp("site") / "site.yaml"
    site_file.write_text(SITE)
    with Played(assembly, site_file, [demo_clip()], EveryNth(10)) as played:
        yield played


def test_the_report_says_what_the_table_and_the_bucket_hold(bikes):
    report, table = bikes.report(), bikes.table()
    frames = report["frames"]
    assert frames["read"] == 250
    assert frames["sampled"] == frames["sent"] == frames["processed"] == frames["stored"] == 25
    assert (frames["lost"], frames["duplicates"], report["errors"]) == (0, 0, [])
    docs = {sk: json.loads(i["doc"]["S"]) for (pk, sk), i in table.items() if pk.startswith("F#")}
    assert len(docs) == len(bikes.objects("frames/")) == 25
    # Capture times follow the clip's own clock: 25 frames a second, every tenth.
    at = sorted(datetime.fromisoformat(d["captured_at"]) for d in docs.values())
    assert {round((b - a).total_seconds(), 3) for a, b in pairwise(at)} == {0.4}
    people = [d for d in docs.values() if any(label["name"] == "Person" for label in d["labels"])]
    (person,) = [row for row in report["labels"] if row["name"] == "Person"]
    assert person["count"] == len(people) > 0


def test_each_visit_alerts_once_and_texts_once(bikes):
    report, table = bikes.report(), bikes.table()
    visits = [json.loads(i["doc"]["S"]) for (pk, _), i in table.items() if pk.startswith("V#")]
    assert sorted((v["camera_id"], v["label"], v["frame_count"]) for v in visits) == sorted(
        (v["camera"], v["label"], v["frames"]) for v in report["visits"]
    )
    assert {v["label"] for v in report["visits"]} == {"Person", "Car"}
    assert sorted(a["label"] for a in report["alerts"]) == ["Car", "Person"]
    assert bikes.texts() == sorted((s["number"], s["text"]) for s in report["sms"])
    assert len(report["sms"]) == 2
    by_id = {f.frame_id: f for f in bikes.journal.snapshot()}
    for alert in report["alerts"]:
        assert alert["media_time_s"] == pytest.approx(by_id[alert["frame_id"]].media_time_s)
    for visit in report["visits"]:
        assert 0 <= visit["first_seen_s"] < visit["last_seen_s"] < 10


def test_times_are_measured_for_every_frame_and_text(bikes):
    report = bikes.report()
    assert report["latency_ms"]["capture_to_stored"]["count"] == 25
    assert report["latency_ms"]["capture_to_sms"]["count"] == 2
    for measured in (*report["latency_ms"].values(), report["vision_ms"]):
        assert 0 < measured["p50"] <= measured["p95"]
    assert report["vision_ms"]["count"] >= 25


def test_the_image_processor_says_what_it_has_used_and_for_which_camera(bikes):
    """Not all of it yet, for it says so rarely."""
    items = [item for (pk, _), item in bikes.table().items() if pk.startswith("USE#")]
    said = [StoredProcessUse.read(item["doc"]["S"]).to_domain() for item in items]
    (process,) = [use for use in said if use.function == "image_processor"]
    bikes_use = process.by_camera["bikes"]
    assert 0 < bikes_use[UsageKind.IMAGES_ANALYSED] <= bikes.stack.vision_stats()["vision_ms"]["count"]
    assert 0 < bikes_use[UsageKind.S3_PUT_REQUESTS] <= bikes_use[UsageKind.IMAGES_ANALYSED]
    assert bikes_use[UsageKind.DYNAMODB_WRITE_UNITS] >= 100
    assert process.shared[UsageKind.LAMBDA_GB_S] > 0


def without_notes(table):
    """Without what shards and processes say of themselves from time to time."""
    return {key: item for key, item in table.items() if key[0] != HEALTH_KEY and not key[0].startswith("USE")}


def test_every_record_delivered_again_changes_nothing(bikes):
    """The shape of a redelivered stream: a new event source, from its beginning."""
    before, texts = without_notes(bikes.table()), bikes.texts()
    assert bikes.open_work() == ([], [])
    stored = set(bikes.objects("frames/"))
    analysed = bikes.stack.vision_stats()["vision_ms"]["count"]
    settings = MappingSettings.from_mapping(bikes.stack.mapping())
    assert settings.starting_position == "TRIM_HORIZON"
    again = connect(settings, bikes.client, on_invoke=bikes.journal.on_delivery)
    again.start()
    try:
        assert again.wait_drained(60)
        assert again.stats().acknowledged >= 25
        assert again.stats().given_up == 0
    finally:
        again.stop()
    assert without_notes(bikes.table()) == before
    assert bikes.texts() == texts
    assert bikes.open_work() == ([], [])
    assert set(bikes.objects("frames/")) == stored
    # A frame that is stored is not analysed, and not billed, again.
    assert bikes.stack.vision_stats()["vision_ms"]["count"] == analysed
    assert bikes.report()["frames"]["duplicates"] == 25


def test_a_bad_record_is_kept_raw_with_a_pointer_and_holds_nothing_up(bikes):
    before, kept_before = len(bikes.objects("frames/")), set(bikes.objects("failed/"))
    stream = bikes.stack.outputs["StreamName"]
    bikes.client("kinesis").put_record(StreamName=stream, PartitionKey="bikes", Data=b"not a frame")
    assert bikes.stack.event_source.wait_drained(60)
    (key,) = set(bikes.objects("failed/")) - kept_before
    assert bikes.object(key) == b"not a frame"
    queue = bikes.stack.outputs["FailureQueueUrl"]
    look = {"QueueUrl": queue, "MaxNumberOfMessages": 10, "VisibilityTimeout": 0}
    (message,) = bikes.client("sqs").receive_message(**look)["Messages"]
    assert json.loads(message["Body"])["key"] == key
    assert len(bikes.objects("frames/")) == before
    report = bikes.report()
    assert report["frames"]["lost"] == 0
    assert any(key in sentence and "not a frame envelope" in sentence for sentence in report["errors"])


def test_a_batch_that_fails_for_good_is_kept_with_its_records_in_the_bucket(bikes):
    """The function is broken for the time of one batch, which the event source gives up after a single try."""
    function = bikes.stack.outputs["ImageProcessorName"]
    handler = bikes.client("lambda").get_function_configuration(FunctionName=function)["Handler"]
    settings = replace(MappingSettings.from_mapping(bikes.stack.mapping()), max_retries=0, bisect_on_error=False)
    bikes.client("lambda").update_function_configuration(FunctionName=function, Handler="nowhere.handler")
    failing = connect(settings, bikes.client)
    try:
        failing.start()
        assert failing.wait_drained(60)
    finally:
        failing.stop()
        bikes.client("lambda").update_function_configuration(FunctionName=function, Handler=handler)
    stats = failing.stats()
    assert (stats.acknowledged, stats.given_up, stats.destination_failures) == (0, stats.records_read, 0)
    assert stats.given_up >= 25
    kept = [
        record
        for key in bikes.objects("aws/lambda/")
        for record in json.loads(json.loads(bikes.object(key))["payload"])["Records"]
    ]
    assert len(kept) == stats.given_up
    for key in bikes.objects("aws/lambda/"):
        bikes.client("s3").delete_object(Bucket=bikes.stack.outputs["FramesBucketName"], Key=key)


def test_a_frame_that_went_missing_is_counted_as_lost_and_said(bikes):
    key = bikes.objects("frames/")[0]
    s3, bucket = bikes.client("s3"), bikes.stack.outputs["FramesBucketName"]
    picture = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.delete_object(Bucket=bucket, Key=key)
    try:
        report = bikes.report()
    finally:
        s3.put_object(Bucket=bucket, Key=key, Body=picture)
    assert report["frames"]["lost"] == 1
    assert any("1 of 25 sampled frames" in sentence for sentence in report["errors"])


def test_old_frames_are_trimmed_whole_and_the_stream_is_renewed_without_loss(bikes):
    """Last in this module: it removes what the others look at."""
    kept, failed = sorted(bikes.objects("frames/"))[-10:], len(bikes.objects("failed/"))
    trimmer = Trimmer(
        bikes.client,
        bikes.stack.outputs,
        bikes.kinesis,
        bikes.stack.wait_drained,
        bikes.stack.renew_stream,
        keep_frames=10,
        stream_bytes=1,
    )
    trimmer.look()
    assert (trimmer.removed_frames, trimmer.renewed_streams) == (15, 1)
    assert sorted(bikes.objects("frames/")) == kept
    names = {Path(key).stem for key in kept}
    for pk, sk in bikes.table():
        if pk.startswith(("F#", "L#", "W#", "WL#", "SEEN#")):
            assert (pk if pk.startswith("SEEN#") else sk).partition("#")[2] in names
    iterator = bikes.client("kinesis").get_shard_iterator(
        StreamName=bikes.stack.outputs["StreamName"],
        ShardId="shardId-000000000000",
        ShardIteratorType="TRIM_HORIZON",
    )["ShardIterator"]
    assert bikes.client("kinesis").get_records(ShardIterator=iterator)["Records"] == []
    # What is written next is processed.
    bikes.client("kinesis").put_record(
        StreamName=bikes.stack.outputs["StreamName"], PartitionKey="x", Data=b"another that is no frame"
    )
    assert bikes.stack.event_source.wait_drained(60)
    assert len(bikes.objects("failed/")) == failed + 1


def test_a_camera_that_fails_does_not_stop_the_other(assembly, tmp_path, capsys):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(os.urandom(20_000))
    report_file = tmp_path / "report.json"
    code = main(
        [
            *("run", "--once", "--fast", "--no-browser", "--every", "50", "--assembly", str(assembly)),
            *("--source", str(broken), "--source", demo_clip(), "--report", str(report_file)),
        ]
    )
    report = json.loads(report_file.read_text())
    assert code == 1
    assert {c["camera"]: (c["failed"], c["stored"]) for c in report["cameras"]} == {
        "broken": (True, 0),
        "bikes": (False, 5),
    }
    assert report["frames"]["lost"] == 0
    assert len(report["errors"]) == 1
    assert report["errors"][0] in capsys.readouterr().out
