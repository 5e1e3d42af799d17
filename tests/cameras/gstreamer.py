"""GStreamer's RTSP server, by the system's Python, which has its bindings: a camera that nobody here wrote."""

import os
import subprocess

import pytest

USER, PASSWORD = "viewer", "p@ss:w/rd #1%"
_PACKAGES = (
    "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good"
    " gstreamer1.0-plugins-ugly gstreamer1.0-plugins-bad"
)
_ENCODERS = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25"
    " ! rtph264pay name=pay0 pt=96 config-interval=-1",
    "h265": "x265enc tune=zerolatency speed-preset=ultrafast key-int-max=25"
    " ! rtph265pay name=pay0 pt=96 config-interval=-1",
    "mjpeg": "jpegenc ! rtpjpegpay name=pay0 pt=26",
}
_SCRIPT = """
import sys
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer
Gst.init(None)
port, login, encoder, user, password, resize_after_s = sys.argv[1:]
for element in encoder.split(" ! "):
    if not Gst.ElementFactory.find(element.split()[0]):
        sys.exit("GStreamer has no element " + element.split()[0])
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(port)
size = "video/x-raw,format=I420,framerate=25/1,width={},height={}"
source = "videotestsrc is-live=true ! capsfilter name=size caps=" + size.format(320, 240)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch("( " + source + " ! " + encoder + " )")
factory.set_shared(True)
factory.set_protocols(GstRtsp.RTSPLowerTrans.TCP)
if login != "none":
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    auth = GstRtspServer.RTSPAuth()
    if login == "digest":
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(user, password, token)
    else:
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    role = "user, media.factory.access=(boolean)true, media.factory.construct=(boolean)true"
    factory.add_role_from_structure(Gst.Structure.new_from_string(role))
    server.set_auth(auth)
def resize(media):
    caps = Gst.Caps.from_string(size.format(480, 360))
    media.get_element().get_by_name("size").set_property("caps", caps)
    return False
def configured(_, media):
    GLib.timeout_add(int(float(resize_after_s) * 1000), resize, media)
if float(resize_after_s):
    factory.connect("media-configure", configured)
server.get_mount_points().add_factory("/live", factory)
if not server.attach(None):
    sys.exit("cannot listen on port " + port)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
"""


class GStreamerCamera:
    """codec: h264, h265, mjpeg. login: none, basic, digest, as USER with PASSWORD. 320x240 at 25 frames a second.

    resize_after_s: after so long of playing it sends 480x360. Skips the test where GStreamer is missing, but fails it
    with FRAMEWATCH_REQUIRE_RTSP=1.
    """

    def __init__(self, codec="h264", *, login="none", resize_after_s=0.0):
        self._arguments = [login, _ENCODERS[codec], USER, PASSWORD, str(resize_after_s)]
        self._process = None
        self.port = 0

    @property
    def host(self):
        return f"127.0.0.1:{self.port}"

    @property
    def url(self):
        return f"rtsp://{self.host}/live"

    def url_with(self, login):
        return self.url.replace("://", f"://{login}@")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self):
        """Also again after `kill`, on the same port."""
        try:
            self._process = subprocess.Popen(
                ["/usr/bin/python3", "-c", _SCRIPT, str(self.port), *self._arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": ""},
            )
        except OSError:
            _missing("no system Python; GStreamer's RTSP server needs it")
        line = self._process.stdout.readline().strip()
        if not line:
            why = (self._process.communicate()[1].strip().splitlines() or ["?"])[-1]
            if self.port:
                raise RuntimeError(why)
            _missing(f"no RTSP server ({why}): apt-get install {_PACKAGES}")
        self.port = int(line)

    def kill(self):
        """As a camera that loses its power."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _missing(why):
    if os.environ.get("FRAMEWATCH_REQUIRE_RTSP") == "1":
        pytest.fail(why)
    pytest.skip(why)
