"""What a cold start does before its first event: `python -m benchmarks.import_time`.

Importing a function's handler and building its dependencies, against a bare `import boto3` and making the same
clients; in CPU time, each in a Python of its own that sees nothing but what is shipped.

Twice: as Lambda starts a function, which cannot write bytecode beside the sources of a zip and so compiles on every
cold start what it imports; and from bytecode, where running the imports is all that is left.
"""

import argparse
import compileall
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
    "watchdog": "import lambdas.watchdog.handler as handler; kept = handler.app()",
    "frame_fetcher": "import lambdas.frame_fetcher.handler as handler; kept = handler.deps()",
    "alert_link": "import lambdas.alert_link.handler as handler; kept = handler.deps()",
}
BARE = "import boto3; session = boto3.Session(); kept = [session.client(name) for name in {services!r}]"
SCRIPT = """
import sys, time
sys.path[:] = [{folder!r}] + [p for p in sys.path if "site-packages" not in p]
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
    "FW_LINK_BASE_URL": "https://d1example.cloudfront.net",
    "FW_ALERT_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:alerts",
    "FW_STAGE": "benchmark",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "b",
}


def start_s(folder: Path, work: str) -> float:
    """CPU seconds of one start."""
    script = SCRIPT.format(folder=str(folder), work=work)
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
        folders = {function: Path(scratch) / function for function in zips}
        for function, path in zips.items():
            zipfile.ZipFile(path).extractall(folders[function])
        for state in ("compiling", "from bytecode"):
            if state == "from bytecode":
                for folder in (plain, *folders.values()):
                    compileall.compile_dir(folder, quiet=2)
            for function, folder in folders.items():
                bare = BARE.format(services=sorted(packaging.SERVICES[function]))
                pairs = [(start_s(folder, BUILD[function]), start_s(plain, bare)) for _ in range(rounds)]
                ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
                over |= ours / theirs > GOAL
                print(
                    f"{function}, {state}: {ours * 1000:.0f} ms, bare boto3 {theirs * 1000:.0f} ms,"
                    f" ratio {ours / theirs:.2f} (goal: at most {GOAL})"
                )
    if over:
        print(f"over the goal of {GOAL}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
