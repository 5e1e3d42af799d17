"""A deployment under IAM, and what its users and functions do in it. Each answers with what an operator would see."""

import base64
import contextlib
import io
import json
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
from botocore.config import Config
from botocore.exceptions import ClientError

from edge_client.buffer import Record
from edge_client.config import EdgeFileError
from edge_client.control import ControlObject
from edge_client.heartbeat import CameraReport, Heartbeats
from edge_client.producer import Producer, StreamUnusable
from edge_client.sampler import EveryNth
from edge_client.source import parse_source
from framewatch.adapters.aws.alert_table import DynamoAlertTable
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.adapters.aws.heartbeat_table import DynamoHeartbeatTable
from framewatch.domain.alerts import Alert, AnswerKind, DeliveryState
from framewatch.domain.frames import make_boot_id
from framewatch.domain.heartbeats import CameraState
from framewatch.domain.limits import Held
from framewatch.services.ports import RawRecord
from framewatch.wire.edge_control import CONTROL_KEY
from framewatch.wire.envelope import format_utc
from framewatch.wire.heartbeat_items import StoredHeartbeat
from framewatch.wire.items import day_of
from infra.tasks import edge_boxes
from infra.tasks.session import Stage
from local_cloud.cameras import CameraChoice, demo_clip
from local_cloud.clients import REGION, ClientFactory, Clients
from local_cloud.emulator import ACCOUNT, Sms
from local_cloud.event_source import EventSource, connect
from local_cloud.journal import Journal
from local_cloud.runner import Pace, Run, edge_cameras
from local_cloud.stack import LocalStack, StackOptions
from local_cloud.stream_batches import MappingSettings, StreamRecord
from local_cloud.stream_delivery import GivenUp, GiveUpReason
from local_cloud.stream_targets import FailureDestination, LambdaInvoker
from tests.frames import kinesis_event, make_frame, make_record
from tests.functional.grants import DeployedGrants

# The package of each -> its outputs' prefix.
FUNCTIONS = {
    "image_processor": "ImageProcessor",
    "watchdog": "Watchdog",
    "frame_fetcher": "FrameFetcher",
    "operator_actions": "OperatorActions",
    "alert_link": "AlertLink",
}
GAP_S = 30
BOX = "shop-1"
EDGE_FILE = b"box: shop-1\n"
CONTROL_DOCUMENT = b'{"form": 1}'
PHONE, SECOND_PHONE = "+12025550123", "+12025550167"
# Every round of the watchdog asks about each: no more than the tests use up.
_CAMERAS = 40
SITE = "\n".join(
    [
        "site: {name: Shop, time_zone: Europe/Madrid}",
        "cameras:",
        "  - {id: bikes, name: The street}",
        *(f"  - {{id: step-{n}}}" for n in range(_CAMERAS)),
        f'contacts: [{{id: ana, phone: "{PHONE}"}}, {{id: bo, phone: "{SECOND_PHONE}"}}, {{id: log, topic: true}}]',
        "rules:",
        "  - {id: visitors, labels: [Person], min_confidence: 60, notify: [ana, log], escalate_to: [bo]}",
        # Whatever is alerted about here is alerted about at once, however often, and however long it all takes.
        "limits: {per_contact_and_hour: 100, per_day: 10000}",
        "alerts: {max_alert_age_s: 86400}",
        f"visits: {{gap_s: {GAP_S}}}",
    ]
)
# Who asks, as API Gateway tells the function after it has checked the token.
_VIEWER = {"jwt": {"claims": {"sub": "someone", "cognito:groups": "[viewer]"}, "scopes": None}}
_ADMIN = {"jwt": {"claims": {"sub": "maria", "cognito:groups": "[admin]"}, "scopes": None}}


@dataclass(frozen=True, slots=True)
class Seen:
    """Whether it went as it should, and what there is to read of it: answer, log, message."""

    well: bool
    text: str


class Deployed:
    def __init__(self, assembly: Path) -> None:
        self.journal = Journal()
        self.stack = LocalStack(
            StackOptions(SITE, assembly=assembly, enforce_iam=True), on_delivery=self.journal.on_delivery
        )
        self._cameras = iter(range(_CAMERAS))
        self._numbers = count()
        self.box_secrets: list[str] = []
        self._now = datetime.now(UTC).replace(microsecond=0)
        self._person = b""

    def start(self) -> None:
        self.stack.start()
        self.client = self.stack.emulator.client
        self.outputs = self.stack.outputs
        self.roles = {name: self._role(f"{output}Name") for name, output in FUNCTIONS.items()}
        self.stage = self._stage()
        self.edge = self.box(BOX)
        self.put_control_object(BOX, EDGE_FILE)
        bucket, key = self.control_document(BOX)
        self.client("s3").put_object(Bucket=bucket, Key=key, Body=CONTROL_DOCUMENT)
        self.alerts = DynamoAlertTable(DynamoTable(self.client("dynamodb"), self.outputs["TableName"]))
        # A round is made when a test says so.
        for rule in self.client("events").list_rules()["Rules"]:
            self.client("events").disable_rule(Name=rule["Name"])
        owners = {role.rpartition("/")[2]: name for name, role in self.roles.items()}
        self.grants = DeployedGrants(
            self.client,
            [stack.name for stack in self.stack.assembly.stacks],
            owners | {self.outputs["EdgePolicyArn"]: "edge"},
        )

    def close(self) -> None:
        self.stack.stop()

    def _stage(self) -> Stage:
        """As the tasks have it: of the account that the emulator is."""
        name = self.stack.assembly.stacks[0].name.split("-")[1]
        session = SimpleNamespace(client=self.client, region_name=REGION)
        return Stage(name, cast(Any, session), ACCOUNT, "the tests", "https://127.0.0.1")

    def _role(self, output: str) -> str:
        return str(self.client("lambda").get_function_configuration(FunctionName=self.outputs[output])["Role"])

    def box(self, name: str) -> Clients:
        """A box's, with the credentials that `pynt edgebox` prints for it."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            edge_boxes.add(self.stage, name)
        (key_id,) = re.findall(r"^aws_access_key_id = (\S+)$", said.getvalue(), re.MULTILINE)
        (secret,) = re.findall(r"^aws_secret_access_key = (\S+)$", said.getvalue(), re.MULTILINE)
        self.box_secrets.append(secret)
        return self.stack.emulator.as_user(key_id, secret)

    def control_object(self, box: str) -> tuple[str, str]:
        """Its bucket and key."""
        return self.outputs["ConfigBucketName"], edge_boxes.control_key(self.stage, box)

    def control_document(self, box: str) -> tuple[str, str]:
        """What lies beside it."""
        user = edge_boxes.user_of(self.stage, box)
        return self.outputs["ConfigBucketName"], CONTROL_KEY.format(user=user)

    def put_control_object(self, box: str, text: bytes) -> None:
        bucket, key = self.control_object(box)
        self.client("s3").put_object(Bucket=bucket, Key=key, Body=text)

    # -- the main job

    def told_box(self, box: str) -> str:
        """The box's control document, as it reads it."""
        bucket, key = self.control_document(box)
        return self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()

    def play(self) -> None:
        """The demo's clip through the edge, written as the edge's user, until all of it is processed."""
        camera = CameraChoice("bikes", demo_clip(), parse_source(demo_clip()))
        kinesis = self.edge("kinesis", Config(retries={"total_max_attempts": 1}))
        pace = Pace(EveryNth(10), fast=True, loop=False)
        run = Run(self.stack, edge_cameras([camera], pace), self.journal, print, kinesis=kinesis)
        try:
            run.start()
            assert run.wait_for_cameras(60)
            assert run.wait_until_processed()
        finally:
            run.stop()
        assert run.errors == []

    def frames(self) -> list[dict[str, Any]]:
        """Every stored frame's document."""
        pages = self.client("dynamodb").get_paginator("scan").paginate(TableName=self.outputs["TableName"])
        items = [item for page in pages for item in page["Items"] if item["pk"]["S"].startswith("F#")]
        return [json.loads(item["doc"]["S"]) for item in items]

    def objects(self, prefix: str) -> list[str]:
        found = self.client("s3").list_objects_v2(Bucket=self.outputs["FramesBucketName"], Prefix=prefix)
        return [entry["Key"] for entry in found.get("Contents", [])]

    def object(self, key: str) -> bytes:
        answer = self.client("s3").get_object(Bucket=self.outputs["FramesBucketName"], Key=key)
        return bytes(answer["Body"].read())

    # -- the edge

    def send_from_the_edge(self) -> Seen:
        sent, message = [], ""
        producer = Producer(
            self.edge("kinesis"), self.outputs["StreamName"], on_sent=sent.append, on_failed=lambda *_: None
        )
        try:
            producer.send([Record("step-0", "a frame", b"no frame, so that nothing is made of it")])
        except StreamUnusable as error:
            message = str(error)
        return Seen(len(sent) == 1, message)

    def beat(self, camera_id: str, sender: Clients | None = None) -> None:
        """Two minutes of a box's heartbeats, written as its user or as another's, until they are processed."""
        heartbeats = Heartbeats(BOX, make_boot_id(self._now, b"box"), "0.1.0")
        for minute in range(2):
            reports = [CameraReport(camera_id, CameraState.ONLINE if minute else CameraState.STALLED)]
            records = heartbeats.records(reports, self._now + timedelta(minutes=minute), None)
            (sender or self.edge)("kinesis").put_records(
                StreamName=self.outputs["StreamName"],
                Records=[{"PartitionKey": r.camera_id, "Data": r.data} for r in records],
            )
        assert self.stack.wait_drained(30)

    def heartbeats(self) -> list[StoredHeartbeat]:
        """As whoever watches the cameras reads them."""
        return DynamoHeartbeatTable(DynamoTable(self.client("dynamodb"), self.outputs["TableName"])).newest()

    def read_control_object(self) -> Seen:
        return self._read_own(self.control_object(BOX), EDGE_FILE)

    def read_control_document(self) -> Seen:
        """As it was put here; whoever tells boxes something puts another one in its place."""
        bucket, key = self.control_document(BOX)
        self.client("s3").put_object(Bucket=bucket, Key=key, Body=CONTROL_DOCUMENT)
        return self._read_own(self.control_document(BOX), CONTROL_DOCUMENT)

    def _read_own(self, place: tuple[str, str], text: bytes) -> Seen:
        control = ControlObject(self.edge("s3"), *place)
        try:
            return Seen(control.read() == text, "")
        except EdgeFileError as error:
            return Seen(False, str(error))

    # -- the image processor

    def person(self, camera_id: str, after_s: float = 0.0) -> RawRecord:
        """A record with somebody in the picture."""
        if not self._person:
            found = [f for f in self.frames() if f["camera_id"] == "bikes"]
            best = max(
                found, key=lambda f: max([0, *(x["confidence"] for x in f["labels"] if x["name"] == "Person")])
            )
            (key,) = [key for key in self.objects("frames/bikes/") if best["frame_id"] in key]
            self._person = self.object(key)
        number = next(self._numbers)
        frame = make_frame(number, camera_id=camera_id, at=self._now + timedelta(seconds=after_s))
        return make_record(replace(frame, jpeg=self._person))

    def new_camera(self) -> str:
        return f"step-{next(self._cameras)}"

    def process(self, record: RawRecord) -> Seen:
        answer, log = self._invoke("image_processor", kinesis_event([record]))
        return Seen(answer == {"batchItemFailures": []}, f"{answer} {log}")

    # -- alerts

    def alert(self, camera_id: str) -> Alert:
        """The camera's newest."""
        return next(alert for _, alert in self.alerts.newest_first(camera_id, day_of(self._now)))

    def told(self, camera_id: str) -> set[str]:
        """Contacts whom its newest alert has reached."""
        return {c for c, d in self.alert(camera_id).deliveries.items() if d.state is DeliveryState.SENT}

    def token(self, camera_id: str) -> str:
        """Of the link in the newest text about the camera."""
        return re.findall(r"https://\S+/a/(\w{20})", self.texts(camera_id)[-1].text)[0]

    def texts(self, camera_id: str) -> list[Sms]:
        return [text for text in self.stack.emulator.texts() if f" at {camera_id}, " in text.text]

    def fall_due(self, camera_id: str) -> None:
        """As if nobody had answered for as long as the rule says."""
        for work in self.alerts.open_work()[0]:
            if work.ref.camera_id == camera_id:
                self.alerts.reschedule(work, replace(work, due_at=datetime.now(UTC)))

    def settle(self, camera_id: str) -> None:
        """Nothing is left to be done about the camera's newest alert."""
        self.alerts.close(self.alert(camera_id).ref)

    def hold(self, camera_id: str) -> None:
        """As if a limit had held a text back an hour ago."""
        at = datetime.now(UTC) - timedelta(hours=1)
        self.alerts.put_held(f"ana#{camera_id}", Held("ana", camera_id, "limit", at, at), at + timedelta(days=1))

    # -- the watchdog

    def watch(self) -> Seen:
        answer, log = self._invoke("watchdog", {"source": "aws.events"})
        return Seen(answer is None, f"{answer} {log}")

    # -- the page behind a link

    def open_link(self, token: str) -> Seen:
        return self._ask_for_link("GET", token, "", 200)

    def answer_link(self, token: str, kind: AnswerKind) -> Seen:
        return self._ask_for_link("POST", token, f"answer={kind}", 303)

    def _ask_for_link(self, method: str, token: str, body: str, expected: int) -> Seen:
        path = f"/a/{token}"
        event = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {},
            "body": body,
            "requestContext": {"stage": "$default", "http": {"method": method, "path": path}},
        }
        answer, log = self._invoke("alert_link", event)
        return Seen(answer.get("statusCode") == expected, f"{answer.get('body')} {log}")

    # -- operators' actions

    def act(self, camera_id: str, kind: AnswerKind) -> Seen:
        """On its newest alert."""
        return self.post("/v1/alerts/answer", self._naming(camera_id) | {"kind": kind})

    def note(self, camera_id: str) -> Seen:
        return self.post("/v1/alerts/notes", self._naming(camera_id) | {"text": "The postman"})

    def end_snooze(self, camera_id: str) -> Seen:
        alert = self.alert(camera_id)
        return self.post("/v1/snoozes/end", {"rule": alert.rule_id, "scope": alert.scope})

    def _naming(self, camera_id: str) -> dict[str, str]:
        alert = self.alert(camera_id)
        return {"camera": camera_id, "captured_at": format_utc(alert.captured_at), "alert_id": alert.alert_id}

    def post(self, path: str, body: dict[str, str]) -> Seen:
        event = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {"content-type": "application/json"},
            "body": json.dumps(body),
            "requestContext": {"stage": "$default", "http": {"method": "POST", "path": path}, "authorizer": _ADMIN},
        }
        answer, log = self._invoke("operator_actions", event)
        return Seen(answer.get("statusCode") == 200, f"{answer.get('body')} {log}")

    # -- the frame fetcher

    def get(self, path: str) -> Seen:
        event = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {},
            "requestContext": {"stage": "$default", "http": {"method": "GET", "path": path}, "authorizer": _VIEWER},
        }
        answer, log = self._invoke("frame_fetcher", event)
        return Seen(answer.get("statusCode") == 200, f"{answer.get('body')} {log}")

    def links(self) -> list[str]:
        page = self.get("/v1/frames")
        assert page.well, page.text
        return [frame["image_url"] for frame in json.JSONDecoder().raw_decode(page.text)[0]["frames"]]

    def open(self, link: str) -> httpx.Response:
        tls = ssl.create_default_context(cafile=str(self.stack.emulator.ca_file))
        return httpx.get(link, verify=tls, trust_env=False)

    # -- every function

    def _invoke(self, name: str, event: dict[str, Any]) -> tuple[Any, str]:
        function = self.outputs[f"{FUNCTIONS[name]}Name"]
        answer = self.client("lambda").invoke(
            FunctionName=function, LogType="Tail", Payload=json.dumps(event).encode()
        )
        return json.loads(answer["Payload"].read()), base64.b64decode(answer.get("LogResult", "")).decode()

    def renew(self, name: str) -> None:
        """The next invocation is the first of a new process, which has read no site file yet."""
        function, client = self.outputs[f"{FUNCTIONS[name]}Name"], self.client("lambda")
        timeout_s = client.get_function_configuration(FunctionName=function)["Timeout"]
        client.update_function_configuration(FunctionName=function, Timeout=timeout_s)

    def logs(self) -> dict[str, str]:
        """All that was written so far: the functions' log groups, and what runs them here."""
        assert self.stack.emulator.ca_file is not None
        files = self.stack.emulator.ca_file.parent.glob("*.log")
        return function_logs(self.client) | {f.name: f.read_text("utf-8", "replace") for f in files}

    # -- what Lambda does as the image processor's role

    def event_source(self, **changed: Any) -> EventSource:
        """One more reader of the stream, beside the stack's own."""
        settings = replace(MappingSettings.from_mapping(self.stack.mapping()), **changed)
        return connect(settings, self.client, as_role=self.stack.emulator.as_role)

    def read_stream(self) -> Seen:
        """From now on, so that nothing is found and nothing invoked."""
        reader = self.event_source(starting_position="LATEST")
        try:
            reader.start()
            while not (well := reader.wait_drained(0.1)) and not reader.stats().read_errors:
                pass
            return Seen(well, reader.stats().last_error or "")
        except ClientError as error:  # of the listing of shards, without which nothing starts
            return Seen(False, str(error))
        finally:
            reader.stop()

    def give_up_a_batch(self) -> Seen:
        settings = MappingSettings.from_mapping(self.stack.mapping())
        encoder = LambdaInvoker(settings, self.client).encoder
        own = self.stack.emulator.as_role(self.roles["image_processor"])
        records = [StreamRecord("shardId-000000000000", "1", "step-0", b"data", self._now)]
        destination = FailureDestination(settings, encoder, own, lambda: self._now)
        before = len(self.objects("aws/lambda/"))
        try:
            destination(GivenUp(records, GiveUpReason.RETRIES, 1, None))
        except ClientError as error:
            return Seen(False, str(error))
        return Seen(len(self.objects("aws/lambda/")) == before + 1, "")

    @contextmanager
    def broken_processor(self) -> Iterator[None]:
        function, client = self.outputs["ImageProcessorName"], self.client("lambda")
        handler = client.get_function_configuration(FunctionName=function)["Handler"]
        client.update_function_configuration(FunctionName=function, Handler="nowhere.handler")
        try:
            yield
        finally:
            client.update_function_configuration(FunctionName=function, Handler=handler)


def function_logs(client: ClientFactory) -> dict[str, str]:
    """Whole, by log group."""
    logs = client("logs")
    groups = [
        g["logGroupName"] for page in logs.get_paginator("describe_log_groups").paginate() for g in page["logGroups"]
    ]
    return {
        group: "\n".join(
            event["message"]
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group)
            for event in page["events"]
        )
        for group in groups
    }


def _confidence_of_a_person(frame: dict[str, Any]) -> float:
    return max((label["confidence"] for label in frame["labels"] if label["name"] == "Person"), default=0.0)
