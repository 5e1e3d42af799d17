"""An ONVIF camera: its SOAP answers, after the public WSDL, and its answer to a search. The client is a library's."""

import base64
import hashlib
import re
import socket
import threading
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape

from tests.cameras.server import LoopbackServer

_NAMESPACES = (
    'xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:ter="http://www.onvif.org/ver10/error"'
    ' xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:trt="http://www.onvif.org/ver10/media/wsdl"'
    ' xmlns:tt="http://www.onvif.org/ver10/schema"'
)
_MOST_SKEW = timedelta(seconds=30)
# Where the camera says that it is: nobody, and least of all a password, must go there.
ELSEWHERE = "192.0.2.9"


def envelope(body):
    return f"<?xml version='1.0'?><s:Envelope {_NAMESPACES}><s:Body>{body}</s:Body></s:Envelope>"


def fault(code, words):
    return envelope(
        f"<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>{code}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en">{words}</s:Text></s:Reason></s:Fault>'
    )


class OnvifCamera(LoopbackServer):
    """profiles: token -> (width, height, codec, RTSP URL). skew: how far the camera's clock is ahead.

    It takes a password only with a time near its own, as cameras do. `asked` are the operations, in order.
    """

    scheme = "onvif"
    path = ""

    def __init__(self, profiles, *, login=("admin", "right"), skew=timedelta(0), snapshots=True, **more):
        super().__init__(**more)
        self.profiles = profiles
        self.user, self.password = login
        self.skew, self.snapshots = skew, snapshots
        self.asked = []

    def serve(self, connection):
        while True:
            data = connection.read_head()
            head, _, body = data.partition(b"\r\n\r\n")
            length = int(re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)[1])
            while len(body) < length:
                body += connection.read_some()
            status, answer = self.answer(body.decode())
            head = (
                f"HTTP/1.1 {status}\r\nContent-Type: application/soap+xml\r\nContent-Length: {len(answer.encode())}"
            )
            connection.send(f"{head}\r\n\r\n{answer}".encode())

    def answer(self, request):
        operation = re.search(r"<(?:[\w-]+:)?Body[^>]*>\s*<(?:[\w-]+:)?(\w+)", request)[1]
        self.asked.append(operation)
        if operation == "GetSystemDateAndTime":
            return "200 OK", self._time()
        if not self._is_allowed(request):
            return "400 Bad Request", fault("ter:NotAuthorized", "Sender not Authorized")
        body = self._answer(operation, request)
        return ("200 OK", body) if body else ("400 Bad Request", fault("ter:ActionNotSupported", "not supported"))

    def _answer(self, operation, request):
        token = re.search(r"<(?:[\w-]+:)?ProfileToken>(.*?)<", request)
        if operation == "GetServices":
            return envelope(
                "<tds:GetServicesResponse><tds:Service><tds:Namespace>http://www.onvif.org/ver10/media/wsdl"
                f"</tds:Namespace><tds:XAddr>http://{ELSEWHERE}:{self.port}/onvif/media</tds:XAddr>"
                "<tds:Version><tt:Major>2</tt:Major><tt:Minor>4</tt:Minor></tds:Version></tds:Service>"
                "</tds:GetServicesResponse>"
            )
        if operation == "GetProfiles":
            return envelope(f"<trt:GetProfilesResponse>{self._profiles()}</trt:GetProfilesResponse>")
        if operation == "GetStreamUri":
            return self._uri("GetStreamUri", self.profiles[token[1]][3])
        if operation == "GetSnapshotUri" and self.snapshots:
            return self._uri("GetSnapshotUri", f"http://{ELSEWHERE}/snap.jpg?channel=1")
        return None

    def _time(self):
        at = datetime.now(UTC) + self.skew
        return envelope(
            "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType>"
            "<tt:DaylightSavings>false</tt:DaylightSavings><tt:UTCDateTime>"
            f"<tt:Time><tt:Hour>{at.hour}</tt:Hour><tt:Minute>{at.minute}</tt:Minute><tt:Second>{at.second}"
            f"</tt:Second></tt:Time><tt:Date><tt:Year>{at.year}</tt:Year><tt:Month>{at.month}</tt:Month>"
            f"<tt:Day>{at.day}</tt:Day></tt:Date></tt:UTCDateTime></tds:SystemDateAndTime>"
            "</tds:GetSystemDateAndTimeResponse>"
        )

    def _is_allowed(self, request):
        def text(tag):
            match = re.search(rf"<(?:[\w-]+:)?{tag}(?:\s[^>]*)?>(.*?)<", request)
            return match[1] if match else ""

        created = text("Created")
        if text("Username") != self.user or not created:
            return False
        at = datetime.fromisoformat(created)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        if abs(at - (datetime.now(UTC) + self.skew)) > _MOST_SKEW:
            return False
        made = hashlib.sha1(  # noqa: S324 - WS-Security's digest
            base64.b64decode(text("Nonce")) + created.encode() + self.password.encode()
        )
        return base64.b64encode(made.digest()).decode() == text("Password")

    def _profiles(self):
        return "".join(
            f'<trt:Profiles token="{token}" fixed="true"><tt:Name>name of {token}</tt:Name>'
            f'<tt:VideoEncoderConfiguration token="v"><tt:Name>v</tt:Name><tt:UseCount>1</tt:UseCount>'
            f"<tt:Encoding>{codec}</tt:Encoding><tt:Resolution><tt:Width>{width}</tt:Width><tt:Height>{height}"
            "</tt:Height></tt:Resolution><tt:Quality>4</tt:Quality></tt:VideoEncoderConfiguration></trt:Profiles>"
            for token, (width, height, codec, _) in self.profiles.items()
        )

    def _uri(self, operation, uri):
        return envelope(
            f"<trt:{operation}Response><trt:MediaUri><tt:Uri>{escape(uri)}</tt:Uri>"
            "<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false"
            f"</tt:InvalidAfterReboot><tt:Timeout>PT60S</tt:Timeout></trt:MediaUri></trt:{operation}Response>"
        )


class SilentOnvifCamera(OnvifCamera):
    """Takes the connection and says nothing."""

    def serve(self, connection):
        connection.wait_for_ever()


class NoOnvifCamera(OnvifCamera):
    """Answers every question with something that is not SOAP."""

    def answer(self, request):
        self.asked.append("?")
        return "200 OK", "<html>camera"


class OnvifFinder:
    """Answers searches on 127.0.0.1, with `answers`: each the scopes and the address one camera gives."""

    def __init__(self, *answers):
        self._answers = answers
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self.questions = 0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join(5)
        self._socket.close()

    def _answer(self):
        while True:
            data, sender = self._socket.recvfrom(65_535)
            if not data:
                return
            self.questions += 1
            message_id = re.search(rb"MessageID>(.*?)<", data)[1].decode()
            self._socket.sendto(b"not a word of XML", sender)
            for scopes, address in self._answers:
                self._socket.sendto(self._match(message_id, scopes, address).encode(), sender)

    def _match(self, message_id, scopes, address):
        return (
            '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"'
            ' xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
            ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"'
            ' xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><s:Header>'
            "<a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</a:Action>"
            f"<a:MessageID>urn:uuid:1</a:MessageID><a:RelatesTo>{message_id}</a:RelatesTo>"
            "<a:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:To>"
            '<d:AppSequence InstanceId="1" MessageNumber="1"/></s:Header><s:Body><d:ProbeMatches><d:ProbeMatch>'
            f"<a:EndpointReference><a:Address>urn:uuid:{address}</a:Address></a:EndpointReference>"
            f"<d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>{' '.join(scopes)}</d:Scopes>"
            f"<d:XAddrs>{address}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch>"
            "</d:ProbeMatches></s:Body></s:Envelope>"
        )
