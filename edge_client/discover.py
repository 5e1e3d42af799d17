"""framewatch-edge discover: find ONVIF cameras, and print what to write into the edge file.

Looks around only when it is asked to: the question goes out as multicast from one interface (WS-Discovery), and only
what answers is listed.
"""

import argparse
import os
import select
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from edge_client.explain import explain_open_failure
from edge_client.opening import OpenFailed
from edge_client.source import Source, SourceKind

if TYPE_CHECKING:
    from edge_client.onvif import Profile

_GROUP, _PORT = "239.255.255.250", 3702
_ONVIF_SCOPE = "onvif://www.onvif.org/"
# UDP loses questions and answers; cameras answer within half a second.
_QUESTIONS = 3
_MOST_ANSWER_BYTES = 65_535
_MOST_TEXT = 60


@dataclass(frozen=True, slots=True)
class FoundCamera:
    """What a camera says of itself in answer to the question. host, port: where its ONVIF service is."""

    host: str
    port: int
    name: str
    hardware: str


def find_cameras(interface: str, timeout_s: float, *, group: str = _GROUP, port: int = _PORT) -> list[FoundCamera]:
    """interface: the IPv4 address of the interface to ask from. Raises OSError where there is none such."""
    from wsdiscovery.actions import constructProbe  # noqa: PLC0415
    from wsdiscovery.message import createSOAPMessage, parseSOAPMessage  # noqa: PLC0415
    from wsdiscovery.qname import QName  # noqa: PLC0415

    kind = QName("http://www.onvif.org/ver10/network/wsdl", "NetworkVideoTransmitter")
    found: dict[tuple[str, int], FoundCamera] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((interface, 0))
        udp.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
        udp.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        end_s = time.monotonic() + timeout_s
        asked, next_question_s = 0, 0.0
        while (now_s := time.monotonic()) < end_s:
            if asked < _QUESTIONS and now_s >= next_question_s:
                # With its type and without: some cameras answer only one of them.
                for types in ([kind], []):
                    udp.sendto(createSOAPMessage(constructProbe(types, [])).encode(), (group, port))
                asked, next_question_s = asked + 1, now_s + timeout_s / (_QUESTIONS + 1)
            until_s = min(end_s, next_question_s) if asked < _QUESTIONS else end_s
            if not select.select([udp], [], [], max(0.0, until_s - now_s))[0]:
                continue
            data, sender = udp.recvfrom(_MOST_ANSWER_BYTES)
            try:
                matches = parseSOAPMessage(data, sender[0]).getProbeResolveMatches()
            except Exception:  # noqa: BLE001, S112 - anybody may send anything to this socket
                continue
            for match in matches:
                camera = _camera(match, sender[0])
                if camera is not None:
                    found[camera.host, camera.port] = camera
    return sorted(found.values(), key=lambda camera: (socket.inet_aton(camera.host), camera.port))


def _camera(match: Any, sender: str) -> FoundCamera | None:
    """host: who answered, whatever address the answer names; only its port is taken."""
    scopes = [str(scope.getValue()) for scope in match.getScopes()]
    if not any(scope.startswith(_ONVIF_SCOPE) for scope in scopes):
        return None
    ports = []
    for address in match.getXAddrs():
        try:
            parts = urlsplit(address)
            ports.append(parts.port or 80)
        except ValueError:
            continue
    return FoundCamera(sender, ports[0] if ports else 80, _scope(scopes, "name"), _scope(scopes, "hardware"))


def _scope(scopes: Sequence[str], what: str) -> str:
    for scope in scopes:
        prefix = f"{_ONVIF_SCOPE}{what}/"
        if scope.startswith(prefix):
            return _printable(unquote(scope.removeprefix(prefix)))
    return ""


def _printable(text: str) -> str:
    """What a stranger sent, fit for a terminal."""
    return "".join(ch if ch.isprintable() else "?" for ch in text)[:_MOST_TEXT]


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "discover",
        help="find ONVIF cameras on the local network, look up their streams",
        description="Asks the local network for ONVIF cameras, from one interface. With --user, asks each of them,"
        " or the one given with --host, for its streams, and prints lines for the edge file.",
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--interface", metavar="IP", help="this machine's address on the network to ask")
    where.add_argument("--host", metavar="HOST[:PORT]", help="ask this camera alone, without looking around")
    parser.add_argument("--user", metavar="NAME", help="the cameras' user; then their streams are looked up")
    parser.add_argument(
        "--password-env", metavar="NAME", default="CAM_PW", help="the variable with the password (default CAM_PW)"
    )
    parser.add_argument("--timeout", type=float, default=4.0, metavar="S", help="seconds to wait (default 4)")
    parser.set_defaults(run=lambda args, _parser: run(args))


def run(args: argparse.Namespace, env: Mapping[str, str] = os.environ) -> int:
    """Returns 0 when a camera was found and every look-up worked, 1 when not, 2 for wrong arguments."""
    if args.user and not env.get(args.password_env):
        print(f"the environment does not hold {args.password_env}; set it, or name another one", file=sys.stderr)
        return 2
    if args.host:
        if not args.user:
            print("--host needs --user: there is nothing else to ask it", file=sys.stderr)
            return 2
        host, _, port = args.host.rpartition(":") if args.host.rpartition(":")[2].isdigit() else (args.host, "", "80")
        cameras = [FoundCamera(host, int(port), "", "")]
    else:
        try:
            cameras = find_cameras(args.interface, args.timeout)
        except OSError as error:
            why = error.strerror or str(error)
            print(f"cannot ask from {args.interface}: {why}; give this machine's own address", file=sys.stderr)
            return 2
        if not cameras:
            print(
                f"no ONVIF camera answered on {args.interface} within {args.timeout:g} s; check that it is in the"
                " same network and that ONVIF is switched on, or ask it directly with --host",
                file=sys.stderr,
            )
            return 1
        _print_table(cameras)
    if not args.user:
        return 0
    failed = 0
    for camera in cameras:
        failed += not _print_streams(camera, args.user, args.password_env, env[args.password_env], args.timeout)
    return 1 if failed else 0


def _print_table(cameras: Sequence[FoundCamera]) -> None:
    rows = [("address", "name", "hardware"), *((f"{c.host}:{c.port}", c.name, c.hardware) for c in cameras)]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for row in rows:
        print(f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}".rstrip())


def _print_streams(camera: FoundCamera, user: str, password_env: str, password: str, timeout_s: float) -> bool:
    from edge_client.onvif import look_up  # noqa: PLC0415 - half a second, which a plain search need not wait for

    shown = f"{camera.host}:{camera.port}"
    try:
        profiles = look_up(camera.host, camera.port, user, password, max(timeout_s, 10.0))
    except OpenFailed as error:
        source = Source(SourceKind.ONVIF, shown, f"onvif://{shown}", (password,))
        print(explain_open_failure(shown, source, error.why, error.detail, []), file=sys.stderr)
        return False
    print(f"\n# {shown} {camera.name}".rstrip())
    for number, profile in enumerate(profiles):
        for line in _lines(camera, profile, user, password_env, is_first=number == 0):
            print(line)
    return True


def _lines(camera: FoundCamera, profile: "Profile", user: str, password_env: str, *, is_first: bool) -> list[str]:
    """YAML of the edge file: the first stream as it is to be used, the others commented out."""
    what = _printable(f"{profile.token}: {profile.width}x{profile.height} {profile.codec}")
    lines = [f"# {what}"]
    sources = [_with_login(profile.rtsp_url, user, password_env)]
    if profile.snapshot_url:
        sources.append(_with_login(profile.snapshot_url, user, password_env))
    for number, source in enumerate(sources):
        mark = "" if is_first and number == 0 else "# "
        lines += [f"{mark}- id: {_camera_id(camera)}", f'{mark}  source: "{source}"']
    return lines


def _with_login(url: str, user: str, password_env: str) -> str:
    parts = urlsplit(_printable_url(url))
    return parts._replace(netloc=f"{quote(user, safe='')}:${{{password_env}}}@{parts.netloc}").geturl()


def _printable_url(url: str) -> str:
    """What a camera sent, fit for a terminal and for a quoted YAML string."""
    return "".join(ch for ch in url if ch.isprintable() and ch not in '"\\')


def _camera_id(camera: FoundCamera) -> str:
    words = "".join(ch if ch.isascii() and ch.isalnum() else "-" for ch in (camera.name or "").lower()).strip("-")
    return words[:40] or "camera-" + "".join(ch if ch.isalnum() else "-" for ch in camera.host).strip("-").lower()
