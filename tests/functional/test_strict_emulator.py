"""The emulator with IAM enforced: who is let in, by which door, and as whom."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import botocore.credentials
import httpx
import psutil
import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from local_cloud.clients import Clients
from local_cloud.emulator import ACCOUNT, Emulator

pytestmark = pytest.mark.slow

TRUST_LAMBDA = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
LOOK = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "rekognition:DetectLabels", "Resource": "*"}],
}
READ = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::closed/*"}],
}
TLS_ONLY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": ["arn:aws:s3:::closed", "arn:aws:s3:::closed/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ],
}


class Vision(ThreadingHTTPServer):
    """Answers whatever it is asked, and keeps count."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.asked: list[bytes] = []


class _Answer(BaseHTTPRequestHandler):
    server: Vision

    def do_POST(self) -> None:
        self.server.asked.append(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps({"Labels": [{"Name": "Person", "Confidence": 99.0}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def vision() -> Iterator[Vision]:
    with Vision() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def emulator(vision, tmp_path_factory) -> Iterator[Emulator]:
    where = f"http://127.0.0.1:{vision.server_address[1]}"
    emulator = Emulator(
        tmp_path_factory.mktemp("strict"), function_env={"AWS_ENDPOINT_URL_REKOGNITION": where}, enforce_iam=True
    )
    try:
        emulator.wait_ready()
        yield emulator
    finally:
        emulator.stop()


@pytest.fixture(scope="module")
def user(emulator) -> dict[str, str]:
    """Somebody who may do nothing yet."""
    emulator.client("iam").create_user(UserName="somebody")
    return emulator.client("iam").create_access_key(UserName="somebody")["AccessKey"]


def detect(clients) -> dict:
    return clients("rekognition").detect_labels(Image={"Bytes": b"a picture"})


def test_nothing_but_this_machine_can_reach_any_of_it(emulator):
    family = [psutil.Process(), psutil.Process(emulator.pid), *psutil.Process(emulator.pid).children(recursive=True)]
    listening = {
        c.laddr.ip for process in family for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_rekognition_sees_what_a_granted_user_sends_and_nothing_of_anybody_else(emulator, vision, user):
    clients = emulator.as_user(user["AccessKeyId"], user["SecretAccessKey"])
    with pytest.raises(ClientError) as refused:
        detect(clients)
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    assert "is not authorized to perform: rekognition:DetectLabels" in str(refused.value)
    iam = emulator.client("iam")
    iam.put_user_policy(UserName="somebody", PolicyName="look", PolicyDocument=json.dumps(LOOK))
    for forged in (
        emulator.as_user(user["AccessKeyId"], "not the secret key"),
        emulator.as_user("AKIAIOSFODNN7EXAMPLE", user["SecretAccessKey"]),
    ):
        with pytest.raises(ClientError, match=r"UnrecognizedClientException|InvalidSignatureException"):
            detect(forged)
    unsigned = httpx.post(
        emulator.plain_url,
        headers={"X-Amz-Target": "RekognitionService.DetectLabels", "Content-Type": "application/x-amz-json-1.1"},
        content=b"{}",
        trust_env=False,
    )
    assert unsigned.status_code >= 400
    assert vision.asked == []
    assert detect(clients)["Labels"][0]["Name"] == "Person"
    assert len(vision.asked) == 1


def test_a_bucket_that_wants_tls_is_open_by_the_front_and_closed_beside_it(emulator, user):
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket="closed")
    s3.put_bucket_policy(Bucket="closed", Policy=json.dumps(TLS_ONLY))
    s3.put_object(Bucket="closed", Key="a", Body=b"a")
    emulator.client("iam").put_user_policy(UserName="somebody", PolicyName="read", PolicyDocument=json.dumps(READ))
    key = (user["AccessKeyId"], user["SecretAccessKey"])
    assert emulator.as_user(*key)("s3").get_object(Bucket="closed", Key="a")["Body"].read() == b"a"
    beside = Clients(emulator.plain_url, Credentials(*key))
    with pytest.raises(ClientError, match="explicit deny in a resource-based policy"):
        beside("s3").get_object(Bucket="closed", Key="a")


def test_a_role_is_acted_as_and_assumed_anew_before_its_session_ends(emulator, monkeypatch):
    iam = emulator.client("iam")
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(TRUST_LAMBDA))["Role"]["Arn"]
    sts = emulator.as_role(role)("sts")
    keys: list[str] = []
    sts.meta.events.register(
        "before-send.sts.GetCallerIdentity",
        lambda request, **_: keys.append(request.headers["Authorization"].decode().split("Credential=")[1][:20]),
    )
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/framewatch-local"
    assert [sts.get_caller_identity()["Arn"] for _ in range(2)] == [arn, arn]
    five_minutes_are_left = datetime.now(UTC) + timedelta(minutes=55)
    monkeypatch.setattr(botocore.credentials, "_local_now", lambda: five_minutes_are_left)
    monkeypatch.setattr(botocore.credentials.RefreshableCredentials, "_seconds_remaining", lambda _: 5 * 60)
    assert sts.get_caller_identity()["Arn"] == arn
    assert keys[0] == keys[1] != keys[2]
