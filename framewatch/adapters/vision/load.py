"""From a model's name, path or URL to a detector. One clear sentence for each way that fails."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from framewatch.adapters.vision.base import ModelError

if TYPE_CHECKING:
    from framewatch.adapters.vision.base import ObjectDetector

DEFAULT_MODEL = "ssd-mobilenet-v2"
_MAX_MODEL_BYTES = 1024 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024
_DOWNLOAD_TIMEOUT_S = 60.0


def load_detector(
    model: str = DEFAULT_MODEL, *, sha256: str | None = None, cache_dir: Path | None = None
) -> ObjectDetector:
    """model: ``ssd-mobilenet-v2``, the path of an ONNX file, or an http(s) URL of one with its ``sha256``.

    Raises ModelError. A given sha256 is checked for a path too.
    """
    if model == DEFAULT_MODEL:
        from framewatch.adapters.vision.ssd_mobilenet import SsdMobilenetV2  # noqa: PLC0415  # loads OpenCV

        return SsdMobilenetV2.from_package()
    path = model_file(model, sha256=sha256, cache_dir=cache_dir)
    if path.suffix.lower() != ".onnx":
        raise ModelError(f"{path} is not supported as a model: give {DEFAULT_MODEL} or an .onnx file")
    from framewatch.adapters.vision.yolox import Yolox  # noqa: PLC0415  # loads OpenCV

    return Yolox(path)


def model_file(model: str, *, sha256: str | None = None, cache_dir: Path | None = None) -> Path:
    """The local file of a path or URL, downloaded into ``cache_dir`` once. Raises ModelError."""
    if sha256 is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise ModelError(f"the sha256 given for {model} is not 64 hexadecimal digits")
    if urlsplit(model).scheme not in {"http", "https"}:
        path = Path(model)
        if not path.is_file():
            raise ModelError(f"the model file {model} does not exist: check the path given as the model")
        if sha256 is not None:
            _require_digest(path, sha256, model)
        return path
    if sha256 is None:
        raise ModelError(f"the model at {model} is refused without its sha256: give the digest you expect")
    if cache_dir is None:
        raise ModelError(f"the model at {model} needs a directory to be kept in: give a cache directory")
    # The digest is in the name, so another file at the same URL is never taken for this one.
    name = re.sub(r"[^A-Za-z0-9._-]", "_", Path(urlsplit(model).path).name) or "model.onnx"
    kept = cache_dir / f"{sha256.lower()[:16]}-{name}"
    if kept.is_file():
        _require_digest(kept, sha256, str(kept))
        return kept
    _download(model, sha256, kept)
    return kept


def _require_digest(path: Path, sha256: str, named: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256.lower():
        raise ModelError(f"the model {named} has the sha256 {found}, not the expected {sha256.lower()}")


def _download(url: str, sha256: str, kept: Path) -> None:
    """Whole or not at all: a cut download never stands under the final name."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=kept.parent, prefix=".part-")
    try:
        with (
            os.fdopen(descriptor, "wb") as out,
            urllib.request.urlopen(url, timeout=_DOWNLOAD_TIMEOUT_S) as answer,  # noqa: S310  # scheme checked
        ):
            size = 0
            while chunk := answer.read(_CHUNK_BYTES):
                size += len(chunk)
                if size > _MAX_MODEL_BYTES:
                    raise ModelError(f"the model at {url} is larger than {_MAX_MODEL_BYTES} bytes")
                out.write(chunk)
        _require_digest(Path(temporary), sha256, f"at {url}")
        Path(temporary).replace(kept)
    except (OSError, ValueError, urllib.error.URLError) as error:
        raise ModelError(f"the model at {url} cannot be downloaded: {error}") from error
    finally:
        Path(temporary).unlink(missing_ok=True)
