"""What the proxy does to a request, as real clients see it."""

import http.server
import json
import socket
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.aws import set_credentials
from tests.faults.proxy import FaultProxy
from tests.faults.weather import Fault, Schedule


class _Service(http.server.BaseHTTPRequestHandler):
    """PutRecords and BatchWriteItem that keep what they take, S3 and SNS that answer nothing in particular."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = {}
        if "X-Amz-Target" in self.headers:
            request = json.loads(body)
            if "Records" in request:
                self.server.taken += [record["PartitionKey"] for record in request["Records"]]
                answer = {
                    "Records": [{"ShardId": "s", "SequenceNumber": r["PartitionKey"]} for r in request["Records"]]
                }
            elif "RequestItems" in request:
                self.server.taken += [i["PutRequest"]["Item"]["pk"]["S"] for i in request["RequestItems"]["t"]]
        raw = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_PUT = do_POST


@pytest.fixture
def service():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    server.daemon_threads, server.taken = True, []
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def proxy(service, monkeypatch):
    set_credentials(monkeypatch)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    proxy = FaultProxy(f"http://127.0.0.1:{service.server_address[1]}")
    yield proxy
    proxy.close()


def client_of(proxy, name):
    one_try = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, read_timeout=5)
    return boto3.client(name, endpoint_url=proxy.url, config=one_try)


def put(proxy, *names):
    return client_of(proxy, "kinesis").put_records(
        StreamName="s", Records=[{"Data": b"x", "PartitionKey": name} for name in names]
    )


def always(fault, service="kinesis"):
    return Schedule(1, {service: {fault: 1.0}})


def test_calm_weather_lets_everything_through(proxy, service):
    assert [r["SequenceNumber"] for r in put(proxy, "a", "b")["Records"]] == ["a", "b"]
    assert service.taken == ["a", "b"]


@pytest.mark.parametrize(
    ("fault", "taken"), [(Fault.RESET_BEFORE, []), (Fault.RESET_AFTER, ["a"]), (Fault.CUT, ["a"])]
)
def test_a_lost_answer_says_nothing_of_whether_it_was_done(proxy, service, fault, taken):
    proxy.schedule = always(fault)
    with pytest.raises(BotoCoreError):
        put(proxy, "a")
    assert service.taken == taken


@pytest.mark.parametrize("name", ["kinesis", "dynamodb", "s3", "sns", "sqs", "rekognition"])
@pytest.mark.parametrize(
    ("fault", "words"),
    [(Fault.THROTTLED, ("Throughput", "Thrott", "Limit", "SlowDown")), (Fault.EXPIRED, ("ExpiredToken",))],
)
def test_every_service_refuses_in_its_own_shape(proxy, service, name, fault, words):
    proxy.schedule = always(fault, name)
    client = client_of(proxy, name)
    calls = {
        "kinesis": lambda: put(proxy, "a"),
        "dynamodb": lambda: client.get_item(TableName="t", Key={"pk": {"S": "a"}}),
        "s3": lambda: client.put_object(Bucket="bucket", Key="k", Body=b"x"),
        "sns": lambda: client.publish(PhoneNumber="+12025550123", Message="x"),
        "sqs": lambda: client.send_message(QueueUrl=f"{proxy.url}/1/q", MessageBody="x"),
        "rekognition": lambda: client.detect_labels(Image={"Bytes": b"x"}),
    }
    with pytest.raises(ClientError) as refused:
        calls[name]()
    code = refused.value.response["Error"]["Code"]
    assert any(word in code for word in words), code
    assert service.taken == []


@pytest.mark.parametrize(
    ("ahead_s", "code"), [(3600, "InvalidSignatureException"), (-3600, "InvalidSignatureException"), (120, None)]
)
def test_what_was_signed_by_a_clock_that_is_far_off_is_refused_and_counted(proxy, service, ahead_s, code):
    client = client_of(proxy, "kinesis")
    signed_at = datetime.now(UTC) + timedelta(seconds=ahead_s)

    def sign_anew(request, **_):
        request.headers["X-Amz-Date"] = signed_at.strftime("%Y%m%dT%H%M%SZ")

    client.meta.events.register("before-send", sign_anew)
    records = [{"Data": b"x", "PartitionKey": "a"}]
    if code is None:
        client.put_records(StreamName="s", Records=records)
        assert service.taken == ["a"]
        return
    with pytest.raises(ClientError) as refused:
        client.put_records(StreamName="s", Records=records)
    assert refused.value.response["Error"]["Code"] == code
    assert "date" in refused.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert service.taken == []
    assert proxy.schedule.happened == {("kinesis", "PutRecords", Fault.WRONG_CLOCK): 1}


def test_a_partial_failure_takes_some_records_and_names_the_others(proxy, service):
    proxy.schedule = always(Fault.PARTIAL)
    names = [str(n) for n in range(40)]
    answer = put(proxy, *names)
    refused = [name for name, record in zip(names, answer["Records"], strict=True) if "ErrorCode" in record]
    assert answer["FailedRecordCount"] == len(refused) and 0 < len(refused) < 40
    assert service.taken == [name for name in names if name not in refused]


def test_a_partial_batch_of_items_leaves_the_rest_unprocessed(proxy, service):
    proxy.schedule = always(Fault.PARTIAL, "dynamodb")
    requests = [{"PutRequest": {"Item": {"pk": {"S": str(n)}}}} for n in range(5)]
    answer = client_of(proxy, "dynamodb").batch_write_item(RequestItems={"t": requests})
    assert service.taken == ["0", "1"]
    assert answer["UnprocessedItems"] == {"t": requests[2:]}


def test_shuffled_and_doubled_records_are_answered_in_their_own_order(proxy, service):
    names = [str(n) for n in range(20)]
    proxy.schedule = always(Fault.SHUFFLED)
    assert [r["SequenceNumber"] for r in put(proxy, *names)["Records"]] == names
    assert service.taken != names and Counter(service.taken) == Counter(names)
    proxy.schedule = always(Fault.TWICE)
    put(proxy, "a")
    assert service.taken[20:] == ["a", "a"]


def test_half_a_request_of_who_was_killed_over_it_is_none(proxy, service):
    proxy.schedule = Schedule(1, {})
    host, port = proxy.url.removeprefix("http://").split(":")
    body = json.dumps({"Records": [{"PartitionKey": "a"}]}).encode()
    head = f"POST / HTTP/1.1\r\nX-Amz-Target: Kinesis_20131202.PutRecords\r\nContent-Length: {len(body) + 5}\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=5) as asked:
        asked.sendall(head.encode() + body)
        asked.shutdown(socket.SHUT_WR)
        assert asked.recv(100) == b""
    assert service.taken == [] and not proxy.schedule.journal


def test_a_seed_gives_the_same_schedule_whatever_else_is_asked_in_between():
    rates = {"kinesis": {Fault.LATENCY: 0.3, Fault.PARTIAL: 0.3}, "sns": {Fault.THROTTLED: 0.5}}
    alone, mixed = Schedule(7, rates), Schedule(7, rates)
    first = [alone.next("kinesis", "PutRecords")[0] for _ in range(50)]
    second = []
    for _ in range(50):
        mixed.next("sns", "Publish")
        second.append(mixed.next("kinesis", "PutRecords")[0])
    assert first == second and len(set(first)) == 3
    assert [Schedule(8, rates).next("kinesis", "PutRecords")[0] for _ in range(50)] != first
