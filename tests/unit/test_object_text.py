"""An answer that ends in the middle, or is not S3's: half a settings file may be a valid one, and is never taken for
it."""

import contextlib
import http.server
import threading

import boto3
import pytest
from botocore.config import Config

from edge_client.config import EdgeFileError
from edge_client.control import ControlObject
from framewatch.adapters.aws.site_source import S3SiteSource
from framewatch.domain.errors import StorageUnavailable
from framewatch.wire.yaml_reading import MAX_BYTES
from tests.fakes import FakeClock

FIRST_HALF = b"cameras:\n  - {id: one}\n"
WHOLE = FIRST_HALF + b"  - {id: two}\n"


@contextlib.contextmanager
def s3_that_sends(*bodies: bytes, of: bytes = WHOLE, in_between: int = 0):
    """A client; every answer says that it is as long as `of`, and ends behind the next of the bodies.

    in_between: so many of them are not of S3.
    """
    left, of_others = list(bodies), in_between

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            nonlocal of_others
            self.send_response(200)
            self.send_header("Content-Length", str(len(of)))
            if of_others:
                of_others -= 1
            else:
                self.send_header("ETag", '"the same"')
            self.end_headers()
            self.wfile.write(left.pop(0))
            self.close_connection = True

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield boto3.client(
                "s3",
                endpoint_url=f"http://127.0.0.1:{server.server_address[1]}",
                region_name="us-east-1",
                aws_access_key_id="testing",
                aws_secret_access_key="testing",
                config=Config(s3={"addressing_style": "path"}, proxies={}),
            )
        finally:
            server.shutdown()
            thread.join()


def test_half_a_site_file_is_not_taken_for_the_whole():
    with s3_that_sends(FIRST_HALF, WHOLE) as s3:
        source = S3SiteSource(s3, "config", "site.yaml", FakeClock())
        with pytest.raises(StorageUnavailable, match=r"s3://config/site\.yaml: read the site file: IncompleteRead"):
            source.current()
        assert [camera.id for camera in source.current().cameras] == ["one", "two"]


def test_half_an_edge_file_is_not_taken_for_the_whole():
    with s3_that_sends(FIRST_HALF, WHOLE) as s3:
        control = ControlObject(s3, "config", "edge/box/edge.yaml")
        with pytest.raises(EdgeFileError, match=r"edge\.yaml: S3 could not be asked.*IncompleteRead"):
            control.version()
        assert control.read() == WHOLE


def test_what_somebody_in_between_answers_is_not_taken_for_the_file():
    with s3_that_sends(WHOLE, WHOLE, in_between=1) as s3:
        control = ControlObject(s3, "config", "edge/box/edge.yaml")
        with pytest.raises(EdgeFileError, match=r"S3 could not be asked; check this machine's network"):
            control.version()
        assert control.read() == WHOLE
    with s3_that_sends(WHOLE, WHOLE, in_between=1) as s3:
        source = S3SiteSource(s3, "config", "site.yaml", FakeClock())
        with pytest.raises(StorageUnavailable, match="not of S3 but of somebody in between"):
            source.current()
        assert len(source.current().cameras) == 2


def test_of_a_file_that_is_too_long_no_more_is_read_than_tells_so():
    long = b"#" * (MAX_BYTES + 100)
    with s3_that_sends(long, of=long) as s3:
        assert len(ControlObject(s3, "config", "edge/box/edge.yaml").read()) == MAX_BYTES + 1
