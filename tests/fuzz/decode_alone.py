"""python -m tests.fuzz.decode_alone folder|snapshot|vision FILE...: each file is decoded as that part does it.

Prints a JSON line a file: what came of it, the processor's seconds that it took, and how many MiB the process grew by
at its most.
"""

import base64
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time

from edge_client.opening import Opening
from edge_client.source import Source, SourceKind


def as_folder(path: Path) -> str:
    from edge_client.reader import open_reader

    reader = open_reader(Source(SourceKind.PATH, str(path), str(path)))
    assert reader.grab()
    return _shape(reader.retrieve())


def as_snapshot(path: Path) -> str:
    from edge_client.mjpeg import SnapshotReader

    reader = SnapshotReader(lambda: b"", lambda: None, Opening(timeout_s=0.0, poll_every_s=0.01), path.read_bytes())
    return _shape(reader.retrieve()) if reader.grab() else "refused"


def as_vision(path: Path) -> str:
    from framewatch.adapters.vision.pool import DetectorPool
    from local_cloud.vision_server.protocol import ApiError
    from local_cloud.vision_server.service import DetectLabels, NoS3
    from local_cloud.vision_server.stats import Stats

    class Blind:
        name, class_names, input_size_px = "blind", ("car",), (300, 300)

        def detect(self, image_bgr, min_confidence):
            self.shape = _shape(image_bgr)
            return []

    blind = Blind()
    asked = {"Image": {"Bytes": base64.b64encode(path.read_bytes()).decode()}}
    try:
        DetectLabels(DetectorPool(lambda: blind), 1, NoS3(), Stats())(json.dumps(asked).encode())
    except ApiError as error:
        return f"refused {error.code}"
    return blind.shape


def _shape(image_bgr: object) -> str:
    return "refused" if image_bgr is None else "{1}x{0}".format(*image_bgr.shape)


def _memory_mib(kind: str) -> int:
    return int(re.search(rf"{kind}:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) >> 10


def main(decode: Callable[[Path], str], warm_up: Path, paths: list[Path]) -> None:
    decode(warm_up)  # the libraries are loaded
    for path in paths:
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        before_mib, started_s = _memory_mib("VmRSS"), process_time()
        came = decode(path)
        took_s = process_time() - started_s
        told = {"file": path.name, "came": came, "cpu_s": round(took_s, 2), "mib": _memory_mib("VmHWM") - before_mib}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    part, *names = sys.argv[1:]
    main(
        {"folder": as_folder, "snapshot": as_snapshot, "vision": as_vision}[part], Path(names[0]), [*map(Path, names)]
    )
