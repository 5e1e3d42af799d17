"""JPEGs over HTTP as cameras send them, and every way in which they get it wrong."""

import base64
import hashlib
import re
import ssl

import cv2
import numpy as np

from tests.cameras.server import Connection, LoopbackServer, noise


def picture(number=0, size_wh=(160, 120)):
    """A whole JPEG, of another grey for each number."""
    frame = np.full((size_wh[1], size_wh[0], 3), number * 9 % 256, np.uint8)
    cv2.putText(frame, str(number), (8, 60), cv2.FONT_HERSHEY_SIMPLEX, 1, (255 - number * 9 % 256,) * 3, 2)
    return cv2.imencode(".jpg", frame)[1].tobytes()


class StreamCamera(LoopbackServer):
    """A healthy MJPEG camera. frames: how many before the connection is closed; fps: pictures a second."""

    path = "/video.mjpg"
    content_type = "multipart/x-mixed-replace; boundary=frame"

    def __init__(self, *, fps=50.0, frames=1_000_000, size_wh=(160, 120), **more):
        super().__init__(**more)
        self.fps, self.frames, self.size_wh = fps, frames, size_wh

    def serve(self, connection: Connection):
        self.requests = [*getattr(self, "requests", []), connection.read_head()]
        self.answer(connection, self.requests[-1])

    def answer(self, connection, request):
        self.head(connection)
        for number in range(self.frames):
            connection.send(self.part(number))
            connection.wait(1 / self.fps)

    def head(self, connection):
        connection.send(f"HTTP/1.1 200 OK\r\nContent-Type: {self.content_type}\r\n\r\n".encode())

    def part(self, number):
        return self.framed(picture(number, self.size_wh))

    def framed(self, jpeg, length=None):
        length = len(jpeg) if length is None else length
        return b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (length, jpeg)


class SilentCamera(StreamCamera):
    """Takes the connection and says nothing."""

    def answer(self, connection, request):
        connection.wait_for_ever()


class HeadOnlyCamera(StreamCamera):
    """Says that pictures will come; none does."""

    def answer(self, connection, request):
        self.head(connection)
        connection.wait_for_ever()


class StallingCamera(StreamCamera):
    """Sends some pictures, then nothing, and keeps the connection."""

    def answer(self, connection, request):
        super().answer(connection, request)
        connection.wait_for_ever()


class GarbageCamera(StreamCamera):
    """Random bytes where pictures should be."""

    def part(self, number):
        return noise(number, 4096)


class NotHttpCamera(StreamCamera):
    """Random bytes where an answer should be."""

    def part(self, number):
        return noise(number, 4096)

    def head(self, connection):
        connection.send(noise(1, 512))


class TornCamera(StreamCamera):
    """Every other picture is cut short, with the length it should have had."""

    def part(self, number):
        jpeg = picture(number, self.size_wh)
        return self.framed(jpeg[: len(jpeg) // 2] if number % 2 else jpeg, len(jpeg))


class AlwaysTornCamera(StreamCamera):
    """No picture is whole."""

    def part(self, number):
        jpeg = picture(number, self.size_wh)
        return self.framed(jpeg[: len(jpeg) // 2])


class EmptyPartCamera(StreamCamera):
    """Every other part has 0 bytes."""

    def part(self, number):
        return self.framed(b"" if number % 2 else picture(number, self.size_wh))


class UndecodableCamera(StreamCamera):
    """From the `good`th picture on: whole to look at, and nothing can be decoded."""

    def __init__(self, *, good=0, **more):
        super().__init__(**more)
        self.good = good

    def part(self, number):
        if number < self.good:
            return super().part(number)
        return self.framed(b"\xff\xd8\xff\xe0\x00\x04no\xff\xda\x00\x04no" + b"nonsense" * 20 + b"\xff\xd9")


class LyingCamera(StreamCamera):
    """Content-Length is wrong, the boundary is not the one announced."""

    lies = (17, -200, 300, 0)

    def part(self, number):
        jpeg = picture(number, self.size_wh)
        length = max(0, len(jpeg) + self.lies[number % 4]) if self.lies[number % 4] else 0
        return self.framed(jpeg, length).replace(b"--frame", b"--other")


class BareCamera(StreamCamera):
    """Neither boundary nor headers, under a type that says nothing."""

    content_type = "application/octet-stream"

    def framed(self, jpeg, length=None):
        return jpeg


class BurstCamera(StreamCamera):
    """Three pictures in one write, then a pause of three."""

    def part(self, number):
        return b"".join(super(BurstCamera, self).part(number * 3 + n) for n in range(3))


class DribblingCamera(StreamCamera):
    """A picture in ten writes."""

    def answer(self, connection, request):
        self.head(connection)
        for number in range(self.frames):
            part = self.part(number)
            step = len(part) // 10 + 1
            for at in range(0, len(part), step):
                connection.send(part[at : at + step])
                connection.wait(1 / self.fps / 10)


class ResizingCamera(StreamCamera):
    """Another size every `every` pictures: somebody changed the settings, or day and night differ."""

    def __init__(self, *, every=20, sizes=((160, 120), (320, 240)), **more):
        super().__init__(**more)
        self.every, self.sizes = every, sizes

    def part(self, number):
        return self.framed(picture(number, self.sizes[number // self.every % len(self.sizes)]))


class StatusCamera(StreamCamera):
    """Answers every request with one status. location: for redirects."""

    def __init__(self, status, *, body=b"", content_type="text/html", location=None, **more):
        super().__init__(**more)
        self.status, self.body, self.type, self.location = status, body, content_type, location

    def answer(self, connection, request):
        where = f"Location: {self.location}\r\n" if self.location else ""
        head = f"HTTP/1.1 {self.status} X\r\n{where}Content-Type: {self.type}\r\nContent-Length: {len(self.body)}\r\n"
        connection.send(head.encode() + b"Connection: close\r\n\r\n" + self.body)


class SnapshotCamera(StreamCamera):
    """One picture an answer. pictures: bytes by request number."""

    path = "/snapshot.jpg"

    def __init__(self, pictures=picture, **more):
        super().__init__(**more)
        self.pictures = pictures
        self.served = 0

    def serve(self, connection):
        while True:
            connection.read_head()
            jpeg = self.pictures(self.served)
            self.served += 1
            connection.send(
                b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s" % (len(jpeg), jpeg)
            )


class LoginCamera(StreamCamera):
    """Asks for a login as `challenge` (one or several WWW-Authenticate headers) says, and checks the answer.

    `refused` counts the requests that came with a login that was wrong.
    """

    def __init__(self, challenges, user, password, **more):
        super().__init__(**more)
        self.challenges = [challenges] if isinstance(challenges, str) else challenges
        self.user, self.password = user, password
        self.refused = 0

    def answer(self, connection, request):
        match = re.search(rb"^authorization: *(.*?)\r$", request, re.IGNORECASE | re.MULTILINE)
        if match and self._is_right(match[1].decode()):
            super().answer(connection, request)
            return
        self.refused += match is not None
        headers = "".join(f"WWW-Authenticate: {challenge}\r\n" for challenge in self.challenges)
        connection.send(f"HTTP/1.1 401 No\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())

    def _is_right(self, got):
        if got.startswith("Basic "):
            offered = any(re.search(r"\bbasic\b", c, re.IGNORECASE) for c in self.challenges)
            return offered and base64.b64decode(got[6:]).decode() == f"{self.user}:{self.password}"
        d = dict(re.findall(r'(\w+)="?([^",]*)"?', got))
        algorithm = d.get("algorithm", "MD5").upper()
        made = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}[algorithm.removesuffix("-SESS")]

        def digest(*parts):
            return made(":".join(parts).encode()).hexdigest()

        ha1 = digest(self.user, d["realm"], self.password)
        if algorithm.endswith("-SESS"):
            ha1 = digest(ha1, d["nonce"], d["cnonce"])
        ha2 = digest("GET", d["uri"])
        if "qop" in d:
            return d["response"] == digest(ha1, d["nonce"], d["nc"], d["cnonce"], d["qop"], ha2)
        return d["response"] == digest(ha1, d["nonce"], ha2)


def self_signed():
    """A server's TLS settings that nobody trusts, for 127.0.0.1."""
    import trustme

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context
