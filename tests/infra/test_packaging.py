"""The functions' zips: what is in them, for whom, and that the same input gives the same bytes."""

import hashlib
import json
import os
import re
import struct
import subprocess
import sys
import zipfile
from importlib.metadata import distributions
from pathlib import Path

import pytest

from framewatch.wire.price_file import PRICES
from infra import packaging
from infra.import_closure import UnknownModule, closure_of
from infra.packaging import LOCK, REPO, PackagingError, files_of, own_files, target, wheel_files, wheels_of, write_zip
from tests.built import built_packages


def _tree(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    return folder


def _wheel(folder: Path, name: str, *files: str, requires: tuple[str, ...] = ()) -> Path:
    """As pip unpacks one."""
    _tree(folder, *(file for file in files if not file.startswith("..")))
    info = folder / f"{name}-1.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1", *(f"Requires-Dist: {r}" for r in requires)]
    (info / "METADATA").write_text("\n".join(lines), encoding="utf-8")
    record = [*files, f"{info.name}/METADATA", f"{info.name}/RECORD", f"{info.name}/WHEEL"]
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in record), encoding="utf-8")
    return folder


def test_equal_content_is_equal_bytes_whenever_it_was_written(tmp_path: Path) -> None:
    one, two = _tree(tmp_path / "one", "b.py", "a/c.py"), _tree(tmp_path / "two", "a/c.py", "b.py")
    os.utime(two / "b.py", (1, 1))
    (two / "b.py").chmod(0o600)
    first = write_zip(tmp_path / "1.zip", {"b.py": one / "b.py", "a/c.py": one / "a/c.py"})
    second = write_zip(tmp_path / "2.zip", {"a/c.py": two / "a/c.py", "b.py": two / "b.py"})
    assert first.read_bytes() == second.read_bytes()
    assert zipfile.ZipFile(first).namelist() == ["a/c.py", "b.py"]


def test_a_zip_that_lambda_would_refuse_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaging, "MAX_UNPACKED_BYTES", 3)
    with pytest.raises(PackagingError, match=r"f\.zip unpacks to 4 bytes"):
        write_zip(tmp_path / "f.zip", {"four": _tree(tmp_path / "w", "four") / "four"})
    assert list(tmp_path.glob("f.*")) == []


def test_of_a_wheel_only_what_is_read_is_kept(tmp_path: Path) -> None:
    kept = {
        "botocore/data/endpoints.json",
        "botocore/data/s3/2006-03-01/service-2.json.gz",
        "botocore/args.py",
        "botocore-1.dist-info/METADATA",
        "botocore-1.dist-info/licenses/LICENSE",
        "botocore/fast.cpython-313-aarch64-linux-gnu.so",
    }
    dropped = {
        "botocore/data/ec2/2016-11-15/service-2.json.gz",
        "botocore/data/sns/2010-03-31/service-2.json.gz",
        "botocore/data/s3/2006-03-01/examples-1.json",
        "boto3/data/s3/2016-11-15/resources-1.json",
        "boto3/examples/s3.rst",
        "bin/jp.py",
        "../../bin/jp.py",
        "botocore/__pycache__/args.cpython-313.pyc",
        "botocore/typed.pyi",
        "botocore/swagger_ui/swagger-ui.min.js",
    }
    wheels = _wheel(tmp_path, "botocore", *sorted((kept | dropped) - {"botocore-1.dist-info/METADATA"}))
    assert set(wheel_files({"botocore"}, {"s3"}, wheels)) == kept


def test_what_is_imported_brings_what_it_requires_and_nothing_else(tmp_path: Path) -> None:
    _wheel(tmp_path, "Py.YAML", "yaml/__init__.py", "_yaml/__init__.py", requires=("Deep-One>=1",))
    _wheel(
        tmp_path, "deep_one", "deep.py", requires=("py-yaml", "tool ; extra == 'dev'", "gone; python_version < '3'")
    )
    _wheel(tmp_path, "tool", "tool.py")
    names = set(wheel_files({"yaml"}, set(), tmp_path))
    assert {n for n in names if n.endswith(".py")} == {"yaml/__init__.py", "_yaml/__init__.py", "deep.py"}
    assert set(wheel_files(set(), set(), tmp_path)) == set()


def test_an_import_that_the_lock_does_not_hold_is_told_with_the_fix(tmp_path: Path) -> None:
    with pytest.raises(PackagingError, match=r"numpy: imported by a function, .* lambdas/requirements\.lock; add it"):
        wheel_files({"numpy"}, set(), _wheel(tmp_path, "six", "six.py"))


def _sources(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        for package in [p for p in path.parents if p != folder and p.is_relative_to(folder)]:
            (package / "__init__.py").touch()
    return folder


def test_the_closure_follows_imports_of_every_form_and_leaves_out_what_only_the_type_checker_sees(
    tmp_path: Path,
) -> None:
    root = _sources(
        tmp_path,
        lambdas__f__handler="import json\nimport ours.one\nfrom ours import two, NAME\nfrom .own import x\n",
        lambdas__f__own="x = 1",
        lambdas__g__handler="import ours.other",
        ours__one="def late():\n    import ours.deep.late\n",
        ours__two="if TYPE_CHECKING:\n    import ours.typed, stubs\nelse:\n    import six\n",
        ours__deep__late="from yaml.reader import Reader\nimport os.path\n",
        ours__typed="",
        ours__other="",
    )
    closure = closure_of("lambdas.f.handler", root)
    assert set(closure.ours) == {
        *("lambdas", "lambdas.f", "lambdas.f.handler", "lambdas.f.own"),
        *("ours", "ours.one", "ours.two", "ours.deep", "ours.deep.late"),
    }
    assert closure.others == {"yaml", "six"}
    assert closure.ours["ours.deep"] == root / "ours" / "deep" / "__init__.py"


def test_a_module_that_is_not_there_is_named(tmp_path: Path) -> None:
    root = _sources(tmp_path, lambdas__f__handler="from lambdas.f.gone import x")
    with pytest.raises(UnknownModule, match=r"lambdas\.f\.gone is imported"):
        closure_of("lambdas.f.handler", root)
    with pytest.raises(PackagingError, match=r"f cannot be packaged: lambdas\.f\.gone"):
        files_of("f", tmp_path, root)


def test_data_that_lies_beside_a_module_goes_with_it(tmp_path: Path) -> None:
    root = _sources(tmp_path, lambdas__f__handler="import ours.priced.prices", ours__priced__prices="", ours__x__y="")
    _tree(root, "ours/priced/prices.json", "ours/x/other.json", "lambdas/requirements.lock", "lambdas/f/notes.md")
    names = set(own_files(closure_of("lambdas.f.handler", root), root))
    assert {n for n in names if not n.endswith(".py")} == {"ours/priced/prices.json"}


def test_the_prices_go_with_whoever_reads_them_and_with_nobody_else(tmp_path: Path) -> None:
    root = _sources(
        tmp_path,
        lambdas__f__handler="from framewatch.wire.price_file import load_prices",
        lambdas__g__handler="import framewatch.wire.other",
        framewatch__wire__price_file="",
        framewatch__wire__other="",
    )
    _tree(root, "config/prices.yaml", "config/prices-study-2019.yaml")
    carried = {f: set(own_files(closure_of(f"lambdas.{f}.handler", root), root)) for f in ("f", "g")}
    assert {n for n in carried["f"] if n.startswith("config/")} == {"config/prices.yaml"}
    assert not [n for n in carried["g"] if n.startswith("config/")]
    # Where the module looks for it, in the repository and in a zip alike.
    assert PRICES == REPO / "config" / "prices.yaml"


@pytest.mark.parametrize("function", packaging.FUNCTIONS)
def test_a_function_carries_itself_and_no_other_and_no_vision(function: str) -> None:
    names = set(own_files(closure_of(f"lambdas.{function}.handler", REPO), REPO))
    assert "framewatch/wire/envelope.py" in names
    assert {n.split("/")[1] for n in names if n.startswith("lambdas/")} == {"__init__.py", function}
    assert not [n for n in names if n.startswith("framewatch/adapters/vision")]
    assert not [n for n in names if "__pycache__" in n or n.endswith(".lock")]


def test_a_function_carries_no_module_of_ours_that_only_another_imports() -> None:
    ours = {f: set(closure_of(f"lambdas.{f}.handler", REPO).ours) for f in packaging.FUNCTIONS}
    processor, fetcher, link = ours["image_processor"], ours["frame_fetcher"], ours["alert_link"]
    assert {"framewatch.adapters.aws.sms", "framewatch.adapters.aws.rekognition"} <= processor - fetcher
    assert {"framewatch.wire.api", "framewatch.services.fetch_frames"} <= fetcher - processor
    # Whoever holds a link reaches nothing that texts.
    assert {"framewatch.adapters.aws.sms", "framewatch.adapters.aws.alert_topic"} <= processor - link
    assert {"framewatch.adapters.aws.sms", "framewatch.adapters.aws.alert_topic"} <= ours["watchdog"] - link
    assert "framewatch.services.answer_alerts" in link - processor
    acts = {"framewatch.services.act_on_alerts", "framewatch.adapters.aws.sms", "framewatch.adapters.aws.alert_topic"}
    assert acts & ours["operator_actions"] == {"framewatch.services.act_on_alerts"}
    assert "framewatch.services.act_on_alerts" not in fetcher


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
    local = built_packages(tmp_path_factory)
    return {
        "aws": packaging.build("aws", tmp_path_factory.mktemp("aws")),
        "local": {name: local / f"{name}.zip" for name in packaging.FUNCTIONS},
    }


def _contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


_ELF = struct.Struct("<4sBB10xHH")
_ELF64, _LITTLE_ENDIAN, _AARCH64 = 2, 1, 183


@pytest.mark.slow
@pytest.mark.parametrize("function", packaging.FUNCTIONS)
def test_a_zip_for_aws_holds_lambdas_own_binaries_and_no_other(
    built: dict[str, dict[str, Path]], function: str
) -> None:
    contents = _contents(built["aws"][function])
    binaries = {name: data for name, data in contents.items() if data.startswith(b"\x7fELF")}
    assert {name for name in contents if ".so" in Path(name).suffixes} == set(binaries)
    assert any(name.startswith("pydantic_core/") for name in binaries)
    for name, data in binaries.items():
        _, width, order, _, machine = _ELF.unpack_from(data)
        assert (width, order, machine) == (_ELF64, _LITTLE_ENDIAN, _AARCH64), name
        assert name.endswith(".cpython-313-aarch64-linux-gnu.so"), name
    assert not [n for n in contents if n.startswith(("cv2/", "numpy/", "moto/", "ministack/"))]


@pytest.mark.slow
@pytest.mark.parametrize("function", packaging.FUNCTIONS)
def test_what_is_deployed_is_what_runs_here_but_for_the_binaries(
    built: dict[str, dict[str, Path]], function: str
) -> None:
    def portable(target_name: str) -> dict[str, str]:
        """A binary by its module's name alone: its bytes are its platform's."""
        return {
            re.sub(r"\.[^./]+\.so$", ".so", name): "" if name.endswith(".so") else hashlib.sha256(data).hexdigest()
            for name, data in _contents(built[target_name][function]).items()
        }

    aws = portable("aws")
    assert aws == portable("local")
    assert len([name for name in aws if name.endswith(".dist-info/METADATA")]) > 10  # their names hold the versions


@pytest.mark.slow
def test_zips_for_aws_stay_small(built: dict[str, dict[str, Path]]) -> None:
    for path in built["aws"].values():
        assert path.stat().st_size < 8_000_000  # a cold start reads all of it: 6 MB when this was written


# A Python that sees neither this checkout nor its virtual environment: what is not in the zip is not there.
_START = """
import sys
sys.path[:] = [{root!r}] + [p for p in sys.path if "site-packages" not in p]
import lambdas.{function}.handler as handler
{build}
import gc, json, pathlib
from botocore.client import BaseClient
files = [pathlib.Path(m.__file__) for m in list(sys.modules.values()) if getattr(m, "__file__", None)]
print(json.dumps({{
    "handler": callable(handler.lambda_handler),
    "modules": sorted(f.relative_to({root!r}).as_posix() for f in files if f.is_relative_to({root!r})),
    "services": sorted({{o.meta.service_model.service_name for o in gc.get_objects() if isinstance(o, BaseClient)}}),
}}))
"""
_BUILD = {
    "image_processor": "kept = handler.app('frames')",
    "watchdog": "kept = handler.app()",
    # What it imports late, too.
    "frame_fetcher": """
kept = handler.deps()
try:
    handler.post_rule_test({"headers": {"content-type": "application/json"}, "body": "no JSON"}, None)
except handler.InvalidQuery:
    pass
""",
    "operator_actions": "kept = handler.deps()",
    "alert_link": "kept = handler.deps()",
}
_ENVIRONMENT = {
    "FW_TABLE": "table",
    "FW_FRAMES_BUCKET": "frames",
    "FW_CONFIG_BUCKET": "config",
    "FW_FAILURE_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/failures",
    "FW_LINK_BASE_URL": "https://d111.cloudfront.net",
    "FW_ALERT_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:alerts",
    "FW_STAGE": "test",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
}


@pytest.mark.slow
@pytest.mark.parametrize("function", packaging.FUNCTIONS)
def test_a_zip_is_all_that_its_function_needs_and_nothing_that_it_does_not(
    built: dict[str, dict[str, Path]], tmp_path: Path, function: str
) -> None:
    root = tmp_path / "unpacked"
    zipfile.ZipFile(built["local"][function]).extractall(root)
    script = _START.format(root=str(root), function=function, build=_BUILD[function])
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", script],
        env=_ENVIRONMENT,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["handler"]
    modules = set(seen["modules"])
    names = set(zipfile.ZipFile(built["local"][function]).namelist())
    ours = {n for n in names if n.startswith(("framewatch/", "lambdas/"))}
    assert ours == {m for m in modules if m.startswith(("framewatch/", "lambdas/"))}
    described = {n.split("/")[2] for n in names if re.match(r"botocore/data/[^/]+/", n)}
    assert set(seen["services"]) == described == packaging.SERVICES[function]
    for distribution in distributions(path=[str(wheels_of(target("local"), packaging.WHEELS))]):
        own = {file.as_posix() for file in distribution.files or ()} & names
        if any(file.endswith((".py", ".so")) for file in own):
            assert own & modules, f"{distribution.name} is in the zip and is not imported"
