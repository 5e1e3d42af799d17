"""What a cold start does before its first event: `python -m benchmarks.import_time`.

Importing a function's handler and building its dependencies, against a bare `import boto3` and making the same
clients; in CPU time, each in a Python of its own that sees nothing but what is shipped.

Lambda cannot write bytecode beside the sources of a zip, so every cold start compiles what it imports. So does
every start here.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from infra import packaging

GOAL = 1.5
BUILD = {
    "image_processor": "import lambdas.image_processor.handler as handler; kept = handler.app('frames')",
    "frame_fetcher": "import lambdas.frame_fetcher.handler as handler; kept = handler.deps()",
}
BARE = "import boto3; session = boto3.Session(); kept = [session.client(name) for name in {services!r}]"
SCRIPT = """
import sys, time
sys.path[:] = {folders!r} + [p for p in sys.path if "site-packages" not in p]
started = time.process_time()
{work}
import json
print(json.dumps(time.process_time() - started))
"""
ENVIRONMENT = {
    "FW_TABLE": "table",
    "FW_FRAMES_BUCKET": "frames",
    "FW_CONFIG_BUCKET": "config",
    "FW_FAILURE_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/failures",
    "FW_STAGE": "benchmark",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "b",
}


def start_s(folders: list[Path], work: str) -> float:
    """CPU seconds of one start."""
    script = SCRIPT.format(folders=[str(folder) for folder in folders], work=work)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", script], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    return float(json.loads(done.stdout))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.import_time", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15, help="starts of each, taking turns (default: 15)")
    rounds = parser.parse_args().rounds
    over = False
    with tempfile.TemporaryDirectory() as scratch:
        zips = packaging.build("local", Path(scratch))
        # What boto3 itself consists of, whether or not a function ships all of it.
        plain = Path(scratch) / "boto3"
        every = frozenset().union(*packaging.SERVICES.values())
        packaging.write_zip(
            Path(scratch) / "boto3.zip",
            packaging.wheel_files({"boto3"}, every, packaging.wheels_of(packaging.target("local"), packaging.WHEELS)),
        )
        zipfile.ZipFile(Path(scratch) / "boto3.zip").extractall(plain)
        for function, path in zips.items():
            folder = Path(scratch) / function
            zipfile.ZipFile(path).extractall(folder)
            bare = BARE.format(services=sorted(packaging.SERVICES[function]))
            pairs = [(start_s([folder], BUILD[function]), start_s([plain], bare)) for _ in range(rounds)]
            ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
            over |= ours / theirs > GOAL
            print(
                f"{function}: {ours * 1000:.0f} ms, bare boto3 {theirs * 1000:.0f} ms, ratio {ours / theirs:.2f}"
                f" (goal: at most {GOAL}); {path.stat().st_size / 1e6:.2f} MB"
            )
    if over:
        print(f"over the goal of {GOAL}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
