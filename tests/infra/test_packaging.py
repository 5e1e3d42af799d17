"""The functions' zips: what is in them, for whom, and that the same input gives the same bytes."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra import packaging
from infra.packaging import LOCK, PackagingError, own_files, target, trim, wheels_of, write_zip


def _tree(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    return folder


def _files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_equal_content_is_equal_bytes_whenever_it_was_written(tmp_path: Path) -> None:
    one, two = _tree(tmp_path / "one", "b.py", "a/c.py"), _tree(tmp_path / "two", "a/c.py", "b.py")
    os.utime(two / "b.py", (1, 1))
    (two / "b.py").chmod(0o600)
    own = tmp_path / "own.py"
    own.write_text("x = 1\n", encoding="utf-8")
    zips = [write_zip(tmp_path / f"{f.name}.zip", f, iter([("own.py", own)])) for f in (one, two)]
    assert zips[0].read_bytes() == zips[1].read_bytes()
    assert zipfile.ZipFile(zips[0]).namelist() == ["a/c.py", "b.py", "own.py"]


def test_a_zip_that_lambda_would_refuse_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaging, "MAX_UNPACKED_BYTES", 3)
    with pytest.raises(PackagingError, match=r"f\.zip unpacks to 4 bytes"):
        write_zip(tmp_path / "f.zip", _tree(tmp_path / "w", "four"), iter([]))
    assert list(tmp_path.glob("f.*")) == []


def test_trimming_keeps_the_services_in_use_and_drops_what_nobody_reads(tmp_path: Path) -> None:
    kept = {
        "botocore/data/endpoints.json",
        "botocore/data/s3/2006-03-01/service-2.json.gz",
        "x-1.dist-info/METADATA",
        "x-1.dist-info/licenses/LICENSE",
        "x/__init__.py",
        "x/fast.cpython-313-aarch64-linux-gnu.so",
    }
    dropped = {
        "botocore/data/ec2/2016-11-15/service-2.json.gz",
        "boto3/data/ec2/2016-11-15/resources-1.json",
        "boto3/examples/s3.rst",
        "bin/jp.py",
        "x-1.dist-info/RECORD",
        "x-1.dist-info/WHEEL",
        "x/__pycache__/__init__.cpython-313.pyc",
        "x/typed.pyi",
        "x/swagger_ui/swagger-ui.min.js",
    }
    trim(_tree(tmp_path, *kept, *dropped))
    assert _files(tmp_path) == kept
    assert not (tmp_path / "boto3").exists()


@pytest.mark.parametrize("function", packaging.FUNCTIONS)
def test_a_function_carries_itself_and_no_other_and_no_vision(function: str) -> None:
    names = {name for name, _ in own_files(function)}
    assert "framewatch/wire/envelope.py" in names
    assert {n.split("/")[1] for n in names if n.startswith("lambdas/")} == {"__init__.py", function}
    assert not [n for n in names if n.startswith("framewatch/adapters/vision")]
    assert not [n for n in names if "__pycache__" in n]


def test_the_lock_is_hashed_names_no_index_and_holds_no_pictures_library() -> None:
    lines = LOCK.read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if line.startswith("-") or "://" in line]
    pinned = [line.split("==")[0] for line in lines if "==" in line]
    assert {"boto3", "pydantic", "aws-lambda-powertools"} <= set(pinned)
    assert not {"numpy", "opencv-python-headless", "moto"} & set(pinned)
    assert "\n".join(lines).count("--hash=sha256:") >= len(pinned)


def test_the_functions_lock_pins_what_the_project_lock_pins() -> None:
    def pins(path: Path) -> set[str]:
        return {line.split()[0] for line in path.read_text(encoding="utf-8").splitlines() if "==" in line}

    assert pins(LOCK) - pins(packaging.REPO / "requirements.lock") == set()


def test_an_unknown_target_is_refused() -> None:
    with pytest.raises(ValueError, match="no packaging target 'x86'"):
        target("x86")


def test_wheels_of_another_lock_are_other_wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = target("aws").key
    other = tmp_path / "lock"
    other.write_text("six==1.0 --hash=sha256:0\n", encoding="utf-8")
    monkeypatch.setattr(packaging, "LOCK", other)
    assert target("aws").key != before
    assert target("aws").key != target("local").key


def test_what_pip_says_is_passed_on_and_nothing_half_done_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "lock"
    lock.write_text("six==1.17.0\n", encoding="utf-8")
    monkeypatch.setattr(packaging, "LOCK", lock)
    with pytest.raises(PackagingError, match=r"could not fetch the functions' wheels \(local\)[\s\S]*hash"):
        wheels_of(target("local"), tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Path]]:
    return {name: packaging.build(name, tmp_path_factory.mktemp(name)) for name in ("aws", "local")}


@pytest.mark.slow
@pytest.mark.xdist_group("packaging")
def test_zips_for_aws_hold_lambdas_own_wheels_and_stay_small(built: dict[str, dict[str, Path]]) -> None:
    for path in built["aws"].values():
        names = zipfile.ZipFile(path).namelist()
        compiled = [n for n in names if n.endswith(".so")]
        assert compiled
        assert [n for n in compiled if "313-aarch64-linux-gnu" not in n] == []
        assert not [n for n in names if n.startswith(("cv2/", "numpy/", "moto/", "ministack/"))]
        # A cold start reads all of it: 6 MB when this was written.
        assert path.stat().st_size < 8_000_000


@pytest.mark.slow
@pytest.mark.xdist_group("packaging")
@pytest.mark.parametrize("function", packaging.FUNCTIONS)
def test_a_zip_for_this_machine_is_all_that_its_handler_needs(
    built: dict[str, dict[str, Path]], tmp_path: Path, function: str
) -> None:
    """Imported from the unpacked zip by a Python that sees neither this checkout nor its virtual environment."""
    zipfile.ZipFile(built["local"][function]).extractall(tmp_path)
    script = f"""
import sys
sys.path[:] = [{str(tmp_path)!r}] + [p for p in sys.path if "site-packages" not in p]
import importlib, json
handler = importlib.import_module("lambdas.{function}.handler")
import boto3
for service in {sorted(packaging.SERVICES)!r}:
    boto3.client(service, region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
root = {str(tmp_path)!r}
ours = {{n for n, m in sys.modules.items() if (getattr(m, "__file__", None) or "").startswith(root)}}
print(json.dumps([callable(handler.lambda_handler), "pydantic" in ours, "boto3" in ours, "framewatch" in ours]))
"""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [True, True, True, True]
