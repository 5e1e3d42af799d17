"""Records what the local model sees in a clip, one frame a second: `python -m tests.events.record CLIP NAME`.

Writes tests/events/NAME.json: DetectLabels answers of the vision server, each with its media time. The tests of the
logic run on these, so that they need neither the clip nor the model. `--model`, `--labels` and `--until-s` choose
another model, keep only some labels, and stop early.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import boto3
import cv2

EVENTS = Path(__file__).resolve().parent
MIN_CONFIDENCE = 40.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("clip")
    parser.add_argument("name")
    parser.add_argument("--model")
    parser.add_argument("--labels", nargs="+", help="keep these only; all when not given")
    parser.add_argument("--until-s", type=float, default=float("inf"))
    asked = parser.parse_args()
    clip, name = asked.clip, asked.name
    command = [sys.executable, "-m", "local_cloud.vision_server", "--port", "0"]
    command += ["--model", asked.model] if asked.model else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            ready = json.loads(server.stdout.readline())
            frames = list(_frames(clip, ready["url"], asked.labels, asked.until_s))
        finally:
            server.terminate()
    recorded = {"clip": Path(clip).name, "model": ready["model"], "min_confidence": MIN_CONFIDENCE, "frames": frames}
    # A line a frame, so that a new recording shows what changed.
    text = json.dumps(recorded, separators=(",", ":")).replace('{"media_time_s"', '\n{"media_time_s"')
    (EVENTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def _frames(clip: str, url: str, kept: list[str] | None, until_s: float):
    rekognition = boto3.client(
        "rekognition",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    capture = cv2.VideoCapture(clip)
    fps = capture.get(cv2.CAP_PROP_FPS) or 25.0
    index = 0
    while index / fps <= until_s and capture.grab():
        if int(index / fps) != int((index - 1) / fps) or index == 0:
            _, frame = capture.retrieve()
            _, jpeg = cv2.imencode(".jpg", frame)
            answer = rekognition.detect_labels(Image={"Bytes": jpeg.tobytes()}, MinConfidence=MIN_CONFIDENCE)
            labels = [label for label in answer["Labels"] if kept is None or label["Name"] in kept]
            yield {"media_time_s": round(index / fps, 3), "labels": _rounded(labels)}
        index += 1


def _rounded(value):
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    return [_rounded(v) for v in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main()
