"""What the emulator's own Rekognition passes on, to a stand-in for the vision server; and its policy variables."""

import asyncio
import inspect
import json
import socketserver
import threading
from dataclasses import dataclass

import pytest
from ministack.core import iam_evaluator

from local_cloud.guarded_emulator import VisionRelay, with_policy_variables
from local_cloud.processes import choose_port

TARGET = {"x-amz-target": "RekognitionService.DetectLabels", "content-type": "application/x-amz-json-1.1"}
SIGNED = {"authorization": "AWS4-HMAC-SHA256 ...", "x-amz-security-token": "secret", "host": "127.0.0.1:1"}


class Once(socketserver.TCPServer):
    """Keeps the bytes of one request and gives one answer."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(("127.0.0.1", 0), socketserver.StreamRequestHandler)
        self.answer, self.head, self.body = answer, b"", b""

    def finish_request(self, request, client_address):
        stream = request.makefile("rb")
        while not self.head.endswith(b"\r\n\r\n"):
            self.head += stream.readline()
        self.body = stream.read(len(b"picture"))
        request.sendall(self.answer)


def ask(url: str):
    return asyncio.run(VisionRelay(url)("POST", "/", TARGET | SIGNED, b"picture", {}))


def test_the_question_and_the_answer_pass_and_the_credentials_do_not():
    answer = b'{"__type": "ImageTooLargeException"}'
    head = b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: %d\r\n\r\n"
    with Once(head % len(answer) + answer) as vision:
        thread = threading.Thread(target=vision.handle_request, daemon=True)
        thread.start()
        got = ask(f"http://127.0.0.1:{vision.server_address[1]}")
        thread.join()
    assert got == (400, {"Content-Type": "application/x-amz-json-1.1"}, answer)
    sent = dict(line.lower().split(b": ", 1) for line in vision.head.split(b"\r\n")[1:-2])
    assert vision.body == b"picture"
    assert sent[b"x-amz-target"] == b"rekognitionservice.detectlabels"
    assert b"authorization" not in sent
    assert b"x-amz-security-token" not in sent


def test_a_vision_server_that_is_gone_is_an_error_that_is_tried_again_and_says_so():
    status, headers, body = ask(f"http://127.0.0.1:{choose_port()}")
    assert (status, headers["Content-Type"]) == (500, "application/x-amz-json-1.1")
    assert json.loads(body) == {
        "__type": "InternalServerError",
        "Message": "The vision server does not answer (ConnectError): its log says why.",
    }


# -- policy variables ------------------------------------------------------------------------------------------------


@dataclass
class Statement:
    resources: list[str]
    effect: str = "Allow"


@dataclass
class Request:
    resource_arn: str
    principal_keys: dict[str, str]


def first_match(request, statements, effect):
    return next((s for s in statements if s.effect == effect and request.resource_arn in s.resources), None)


@pytest.mark.parametrize(
    ("asked", "who", "fits"),
    [
        ("b/shop-1/x", {"aws:username": "shop-1"}, True),
        ("b/shop-2/x", {"aws:username": "shop-1"}, False),
        ("b//x", {}, False),  # a role has no user's name
        ("c", {}, True),
    ],
)
def test_a_policy_variable_is_who_asks(asked, who, fits):
    statements = [Statement(["b/${aws:username}/x"]), Statement(["c"])]
    found = with_policy_variables(first_match)(Request(asked, who), statements, "Allow")
    assert (found is not None) == fits
    assert statements[0].resources == ["b/${aws:username}/x"]  # for the next who asks


def test_the_emulators_own_evaluation_is_replaced_where_it_is_asked():
    assert callable(iam_evaluator._first_match)
    assert "_first_match(" in inspect.getsource(iam_evaluator.evaluate)
