"""The server over HTTP, with a stub in place of the model: boto3, raw sockets and arbitrary bytes."""

import base64
import contextlib
import http.client
import http.server
import json
import socket
import threading
import xml.sax.saxutils as xml

import boto3
import cv2
import numpy as np
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from framewatch.adapters.vision.base import Detection
from framewatch.adapters.vision.pool import DetectorPool
from local_cloud.vision_server import server as server_module
from local_cloud.vision_server.protocol import MAX_IMAGE_BYTES, MAX_S3_IMAGE_BYTES
from local_cloud.vision_server.s3_source import S3ImageSource
from local_cloud.vision_server.server import VisionServer
from local_cloud.vision_server.service import DetectLabels, NoS3
from local_cloud.vision_server.stats import Stats

BOX = (0.25, 0.25, 0.75, 0.75)
TARGET = "RekognitionService.DetectLabels"
CLIENT_ERRORS = {
    "SerializationException",
    "InvalidParameterException",
    "InvalidImageFormatException",
    "ImageTooLargeException",
    "InvalidS3ObjectException",
    "UnknownOperationException",
}


class StubDetector:
    """Sees a car, a person and a faint dog in every picture, as far as they reach the threshold."""

    name, class_names, input_size_px = "stub-1", ("car", "person", "dog"), (300, 300)

    def __init__(self) -> None:
        self.hold = threading.Event()
        self.hold.set()
        self.entered = threading.Semaphore(0)

    def detect(self, image_bgr, min_confidence):
        self.entered.release()
        self.hold.wait(20)
        seen = [Detection("car", 92.0, BOX), Detection("person", 81.0, BOX), Detection("dog", 56.0, BOX)]
        return [detection for detection in seen if detection.confidence >= min_confidence]


def picture(width_px: int = 160, height_px: int = 120, extension: str = ".jpg") -> bytes:
    image = np.full((height_px, width_px, 3), (0, 0, 255), np.uint8)
    return cv2.imencode(extension, image)[1].tobytes()


JPEG = picture()


@contextlib.contextmanager
def running(detector, source=None, **options):
    stats = Stats()
    operation = DetectLabels(DetectorPool(lambda: detector), 1, source or NoS3(), stats)
    server = VisionServer(0, {"DetectLabels": operation}, stats, about={"model": detector.name}, **options)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.finish()


@pytest.fixture(scope="module")
def server():
    with running(StubDetector()) as server:
        yield server


def rekognition(url: str):
    return boto3.client(
        "rekognition",
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        # boto3 would refuse some requests by itself; here the server must.
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=False, read_timeout=20),
    )


@pytest.fixture(scope="module")
def client(server):
    return rekognition(server.url)


def refused(call, **parameters) -> dict:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response


def raw(server, body: bytes, headers: dict | None = None, path: str = "/") -> tuple[int, dict, dict]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    try:
        connection.request("POST", path, body, {"X-Amz-Target": TARGET} if headers is None else headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), json.loads(answer.read())
    finally:
        connection.close()


def names(response) -> list[str]:
    return [label["Name"] for label in response["Labels"]]


# What a request answers


def test_labels_come_with_instances_parents_aliases_categories_and_model(client):
    response = client.detect_labels(Image={"Bytes": JPEG})
    assert names(response) == [
        "Car",
        "Transportation",
        "Vehicle",
        "Person",
        "Animal",
        "Canine",
        "Dog",
        "Mammal",
        "Pet",
    ]
    assert response["Labels"][0] == {
        "Name": "Car",
        "Confidence": 92.0,
        "Instances": [{"BoundingBox": {"Width": 0.5, "Height": 0.5, "Left": 0.25, "Top": 0.25}, "Confidence": 92.0}],
        "Parents": [{"Name": "Transportation"}, {"Name": "Vehicle"}],
        "Aliases": [{"Name": "Automobile"}],
        "Categories": [{"Name": "Vehicles and Automotive"}],
    }
    assert response["LabelModelVersion"] == "stub-1"
    assert "ImageProperties" not in response


def test_a_png_is_as_good_as_a_jpeg(client):
    assert "Car" in names(client.detect_labels(Image={"Bytes": picture(extension=".png")}))


def test_min_confidence_and_max_labels_cut_the_list(client):
    assert names(client.detect_labels(Image={"Bytes": JPEG}, MinConfidence=85)) == [
        "Car",
        "Transportation",
        "Vehicle",
    ]
    assert names(client.detect_labels(Image={"Bytes": JPEG}, MaxLabels=1)) == ["Car"]
    assert names(client.detect_labels(Image={"Bytes": JPEG}, MaxLabels=0)) == []


def test_max_labels_counts_what_the_filters_leave(client):
    filters = {"LabelExclusionFilters": ["Car"], "LabelCategoryExclusionFilters": ["Animals and Pets"]}
    response = client.detect_labels(Image={"Bytes": JPEG}, MaxLabels=2, Settings={"GeneralLabels": filters})
    assert names(response) == ["Transportation", "Vehicle"]


def test_inclusion_filters_reach_the_answer(client):
    filters = {"LabelInclusionFilters": ["Dog"], "LabelCategoryInclusionFilters": ["Person Description"]}
    response = client.detect_labels(Image={"Bytes": JPEG}, Settings={"GeneralLabels": filters})
    assert names(response) == ["Person", "Dog"]


def test_image_properties_alone_bring_no_labels(client):
    response = client.detect_labels(
        Image={"Bytes": JPEG},
        Features=["IMAGE_PROPERTIES"],
        Settings={"ImageProperties": {"MaxDominantColors": 1}},
    )
    assert response["Labels"] == []
    properties = response["ImageProperties"]
    assert set(properties) == {"Quality", "DominantColors", "Foreground", "Background"}
    assert set(properties["Quality"]) == {"Brightness", "Sharpness", "Contrast"}
    assert [color["CSSColor"] for color in properties["DominantColors"]] == ["red"]


def test_both_features_give_instances_their_colours(client):
    response = client.detect_labels(Image={"Bytes": JPEG}, Features=["GENERAL_LABELS", "IMAGE_PROPERTIES"])
    assert response["Labels"][0]["Instances"][0]["DominantColors"][0]["SimplifiedColor"] == "red"
    assert "ImageProperties" in response


def test_every_answer_has_a_request_id_of_its_own(client):
    ids = {
        client.detect_labels(Image={"Bytes": JPEG})["ResponseMetadata"]["RequestId"],
        client.detect_labels(Image={"Bytes": JPEG})["ResponseMetadata"]["RequestId"],
        refused(client.detect_labels, Image={"Bytes": b"x"})["ResponseMetadata"]["RequestId"],
    }
    assert len(ids) == 3


# What is refused


@pytest.mark.parametrize(
    ("image", "code"),
    [
        (b"GIF89a" + bytes(100), "InvalidImageFormatException"),
        (JPEG[:40], "InvalidImageFormatException"),
        (picture(79, 300), "InvalidParameterException"),
        (picture(300, 79), "InvalidParameterException"),
        (picture(10_001, 80), "ImageTooLargeException"),
        (bytes(MAX_IMAGE_BYTES + 1), "ImageTooLargeException"),
        (bytes(20 * 1024 * 1024), "ImageTooLargeException"),
        (b"", "InvalidParameterException"),
    ],
    ids=["gif", "cut", "narrow", "flat", "wide", "over 5 MB", "over any body", "empty"],
)
def test_a_picture_outside_the_limits_gets_the_documented_error(client, image, code):
    response = refused(client.detect_labels, Image={"Bytes": image})
    assert response["Error"]["Code"] == code
    assert response["Error"]["Message"]
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_pictures_at_the_limits_are_taken(client):
    for size_px in ((80, 80), (10_000, 80)):
        assert "Car" in names(client.detect_labels(Image={"Bytes": picture(*size_px)}))


def test_a_small_file_that_unfolds_to_gigabytes_is_refused_by_its_header(client):
    declared = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" + (60_000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
    response = refused(client.detect_labels, Image={"Bytes": declared})
    assert response["Error"]["Code"] == "ImageTooLargeException"
    assert "60000 x 60000" in response["Error"]["Message"]


def test_an_operation_that_is_not_here_says_so(client):
    response = refused(client.detect_faces, Image={"Bytes": JPEG})
    assert response["Error"]["Code"] == "UnknownOperationException"
    assert "DetectLabels" in response["Error"]["Message"]


@pytest.mark.parametrize("headers", [{}, {"X-Amz-Target": "DetectLabels"}, {"X-Amz-Target": "S3.DetectLabels"}])
def test_a_request_without_a_known_target_is_an_unknown_operation(server, headers):
    status, _, body = raw(server, b"{}", headers)
    assert (status, body["__type"]) == (400, "UnknownOperationException")


def test_an_error_carries_type_message_and_the_protocols_headers(server):
    status, headers, body = raw(server, b"not json")
    assert status == 400
    assert body["__type"] == "SerializationException"
    assert headers["x-amzn-RequestId"] == body["Logref"]
    assert headers["Content-Type"] == "application/x-amz-json-1.1"


def test_another_path_is_not_the_api(server):
    assert raw(server, b"{}", path="/v1/labels")[0] == 404


def test_a_fault_of_our_own_is_a_500_that_tells_nothing_and_the_server_goes_on(caplog):
    class Broken(StubDetector):
        def detect(self, image_bgr, min_confidence):
            raise RuntimeError("secret detail")

    with running(Broken()) as server:
        for _ in range(2):
            response = refused(rekognition(server.url).detect_labels, Image={"Bytes": JPEG})
            assert response["Error"]["Code"] == "InternalServerError"
            assert response["ResponseMetadata"]["HTTPStatusCode"] == 500
            assert "secret" not in response["Error"]["Message"]
    assert "secret detail" in caplog.text


# Bodies nobody should send


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_any_body_is_a_client_error_and_never_a_500(server, body):
    status, _, answer = raw(server, body)
    assert status == 400
    assert answer["__type"] in CLIENT_ERRORS


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_damage_to_a_picture_is_an_answer_and_never_a_500(server, data):
    damaged = bytearray(data.draw(st.sampled_from([JPEG, picture(extension=".png")])))
    for at in data.draw(st.lists(st.integers(0, len(damaged) - 1), max_size=8)):
        damaged[at] = data.draw(st.integers(0, 255))
    cut = damaged[: data.draw(st.integers(0, len(damaged)))]
    body = json.dumps({"Image": {"Bytes": base64.b64encode(cut).decode()}}).encode()
    status, _, answer = raw(server, body)
    assert status in {200, 400}
    assert status == 200 or answer["__type"] in CLIENT_ERRORS


def exchange(server, request: bytes, *, finish: bool = False) -> bytes:
    """All that the server answers to raw bytes until it closes the connection."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as connection:
        connection.sendall(request)
        if finish:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
        return answer


HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: " + TARGET.encode() + b"\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (HEAD + b"\r\n", b"400"),
        (HEAD + b"Content-Length: -1\r\n\r\n", b"400"),
        (HEAD + b"Content-Length: 1_0\r\n\r\n", b"400"),
        (HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", b"400"),
        (HEAD + b"Content-Length: 99999999999999\r\n\r\n", b"400"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", b"411"),
        (b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", b"501"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"431"),
    ],
)
def test_a_request_that_is_not_http_as_we_read_it_is_answered_and_closed(server, request_bytes, status):
    answer = exchange(server, request_bytes)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split(b" ", 2)[1] == status
    assert json.loads(body)["__type"]


def test_a_body_beyond_any_image_is_read_to_its_end_and_refused(server):
    size = 20 * 1024 * 1024
    answer = exchange(server, HEAD + f"Content-Length: {size}\r\n\r\n".encode() + bytes(size))
    assert b"ImageTooLargeException" in answer


def test_a_body_cut_short_is_an_error_not_a_wait(server):
    assert b" 400 " in exchange(server, HEAD + b"Content-Length: 50\r\n\r\n{", finish=True)


def test_a_body_that_never_comes_is_given_up():
    with running(StubDetector(), request_timeout_s=0.2) as server:
        answer = exchange(server, HEAD + b"Content-Length: 50\r\n\r\n{")
    assert b" 408 " in answer
    assert b"RequestTimeoutException" in answer


def test_one_connection_serves_many_requests(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    connection.connect()
    first_socket = connection.sock
    for _ in range(3):
        connection.request("POST", "/", b"[]", {"X-Amz-Target": TARGET})
        assert connection.getresponse().read()
    assert connection.sock is first_socket
    connection.close()


def test_connections_over_the_bound_are_turned_away_and_others_served_again(monkeypatch):
    monkeypatch.setattr(server_module, "MAX_CONNECTIONS", 2)
    with running(StubDetector()) as server:
        held = [socket.create_connection(("127.0.0.1", server.server_port), timeout=20) for _ in range(2)]
        for connection in held:  # answered, so surely accepted
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b" 200 " in connection.recv(65536)
        assert b" 503 " in exchange(server, b"")
        held.pop().close()
        while b" 503 " in (answer := exchange(server, b"GET /health HTTP/1.0\r\n\r\n")):
            pass
        assert b" 200 " in answer
        held.pop().close()
        assert server.report()["errors"]["TooManyConnections"] >= 1


# Load


def test_concurrent_requests_all_get_their_own_answer(server):
    answers = {}

    def ask(number: int) -> None:
        asked = rekognition(server.url).detect_labels(Image={"Bytes": JPEG}, MaxLabels=number)
        answers[number] = len(asked["Labels"])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: number for number in range(8)}


def test_a_full_line_for_the_model_is_throttling():
    detector = StubDetector()
    detector.hold.clear()
    stats = Stats()
    pool = DetectorPool(lambda: detector, wait_timeout_s=0.05)
    operation = DetectLabels(pool, 1, NoS3(), stats)
    body = json.dumps({"Image": {"Bytes": base64.b64encode(JPEG).decode()}}).encode()
    busy = threading.Thread(target=operation, args=(body,))
    busy.start()
    assert detector.entered.acquire(timeout=20)
    server = VisionServer(0, {"DetectLabels": operation}, stats)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        response = refused(rekognition(server.url).detect_labels, Image={"Bytes": JPEG})
        assert response["Error"]["Code"] == "ThrottlingException"
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 500
    finally:
        detector.hold.set()
        busy.join()
        server.shutdown()
        thread.join()
        server.finish()


def test_stats_count_requests_errors_and_times():
    with running(StubDetector()) as server:
        client = rekognition(server.url)
        for _ in range(3):
            client.detect_labels(Image={"Bytes": JPEG})
        refused(client.detect_labels, Image={"Bytes": b"x"})
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
        connection.request("GET", "/stats")
        report = json.loads(connection.getresponse().read())
        connection.close()
    assert (report["model"], report["requests"]) == ("stub-1", 4)
    assert report["errors"] == {"InvalidImageFormatException": 1}
    assert report["vision_ms"]["count"] == report["request_ms"]["count"] == 3
    assert report["request_ms"]["p50"] >= report["vision_ms"]["p50"] >= 0.0


def test_a_taken_port_is_an_error(server):
    with pytest.raises(OSError, match="in use"):
        VisionServer(server.server_port, {}, Stats())


# S3


@pytest.fixture
def s3_url(monkeypatch):
    """A small S3: one picture, one huge object, one forbidden, one fault; the rest is missing."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            path, _, query = self.path.partition("?")
            if path == "/frames/a%20b.jpg" and "versionId" not in query:
                self.answer(200, JPEG)
            elif path == "/frames/old.jpg" and "versionId=v1" in query:
                self.answer(200, picture(80, 80))
            elif path == "/frames/huge.jpg":
                self.send_response(200)
                self.send_header("Content-Length", str(MAX_S3_IMAGE_BYTES + 1))
                self.end_headers()
                self.close_connection = True
            elif path == "/frames/empty.jpg":
                self.answer(200, b"")
            elif path == "/frames/fault.jpg":
                self.answer(500, error_xml("InternalError"))
            elif path == "/frames/secret.jpg":
                self.answer(403, error_xml("AccessDenied"))
            else:
                self.answer(404, error_xml("NoSuchKey"))

        def answer(self, status, body):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    def error_xml(code: str) -> bytes:
        return f"<Error><Code>{xml.escape(code)}</Code><Message>no</Message></Error>".encode()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def s3_client(s3_url):
    with running(StubDetector(), S3ImageSource(s3_url, "us-east-1")) as server:
        yield rekognition(server.url)


def in_s3(name: str, **members) -> dict:
    return {"S3Object": {"Bucket": "frames", "Name": name, **members}}


def test_a_picture_in_s3_is_looked_at(s3_client):
    assert "Car" in names(s3_client.detect_labels(Image=in_s3("a b.jpg")))


def test_a_version_of_an_object_is_the_one_asked_for(s3_client):
    assert "Car" in names(s3_client.detect_labels(Image=in_s3("old.jpg", Version="v1")))
    assert refused(s3_client.detect_labels, Image=in_s3("old.jpg"))["Error"]["Code"] == "InvalidS3ObjectException"


@pytest.mark.parametrize(
    ("name", "code", "status"),
    [
        ("gone.jpg", "InvalidS3ObjectException", 400),
        ("secret.jpg", "InvalidS3ObjectException", 400),
        ("huge.jpg", "ImageTooLargeException", 400),
        ("empty.jpg", "InvalidImageFormatException", 400),
        ("fault.jpg", "InternalServerError", 500),
    ],
)
def test_an_object_that_cannot_be_had_gets_the_documented_error(s3_client, name, code, status):
    response = refused(s3_client.detect_labels, Image=in_s3(name))
    assert response["Error"]["Code"] == code
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_an_s3_that_does_not_answer_is_worth_a_retry(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with running(StubDetector(), S3ImageSource(nowhere, "us-east-1")) as server:
            response = refused(rekognition(server.url).detect_labels, Image=in_s3("a.jpg"))
    assert response["Error"]["Code"] == "InternalServerError"
    assert "S3 did not answer" in response["Error"]["Message"]


def test_without_an_s3_endpoint_the_answer_says_what_is_missing(client):
    response = refused(client.detect_labels, Image=in_s3("a.jpg"))
    assert response["Error"]["Code"] == "InvalidS3ObjectException"
    assert "without an S3 endpoint" in response["Error"]["Message"]
