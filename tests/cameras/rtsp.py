"""What no RTSP server does on its own: keep silent, talk nonsense, answer with one status."""

from tests.cameras.server import LoopbackServer, noise


class RtspServer(LoopbackServer):
    scheme = "rtsp"
    path = "/live"


class SilentRtspCamera(RtspServer):
    """Takes the connection and says nothing."""

    def serve(self, connection):
        connection.wait_for_ever()


class GarbageRtspCamera(RtspServer):
    """Answers every request with random bytes."""

    def serve(self, connection):
        while True:
            connection.read_head()
            connection.send(noise(1, 2048))


class StatusRtspCamera(RtspServer):
    """Answers every request with one status."""

    def __init__(self, status, **more):
        super().__init__(**more)
        self.status = status

    def serve(self, connection):
        while True:
            head = connection.read_head().decode()
            number = next(line for line in head.split("\r\n") if line.lower().startswith("cseq"))
            connection.send(f"RTSP/1.0 {self.status}\r\n{number}\r\n\r\n".encode())


class PacketlessRtspCamera(RtspServer):
    """Agrees to everything, up to PLAY, and sends no packet. sdp: what it says it would send."""

    sdp = (
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\nc=IN IP4 0.0.0.0\r\n"
        "a=control:track1\r\n"
    )

    def serve(self, connection):
        while True:
            head = connection.read_head().decode()
            number = next(line for line in head.split("\r\n") if line.lower().startswith("cseq"))
            more, body = "Session: 1\r\n", ""
            if head.startswith("OPTIONS"):
                more = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
            elif head.startswith("DESCRIBE"):
                body = self.sdp
                more = f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
            elif head.startswith("SETUP"):
                more += "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
            connection.send(f"RTSP/1.0 200 OK\r\n{number}\r\n{more}\r\n{body}".encode())
