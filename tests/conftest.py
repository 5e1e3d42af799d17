"""How a whole run is spread over its workers.

A worker takes a module as a whole, so that what its tests share is made once, and the modules that take longest come
first, so that the workers end together. The order needs `--no-loadscope-reorder`: xdist would start with the modules
of most tests. `--dist loadgroup` would split every module: xdist 3.8 writes a group into a test's id, and pytest 9.2
does not read it from there.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.loaders import JSONFileLoader

# By the processor time that each takes, measured. Whatever is not listed takes seconds.
DEAREST_FIRST = (
    "functional/test_deploy.py",
    "functional/test_alert_exam.py",
    "functional/test_least_privilege.py",
    "browser/test_dashboard.py",
    "functional/test_local_account.py",
    "functional/test_local_commands.py",
    "browser/test_review.py",
    "functional/test_recovery_drill.py",
    "browser/test_operator_story.py",
    "infra/test_templates.py",
    "browser/test_sign_in.py",
    "browser/test_wall.py",
    "contract/test_motion_pixels.py",
    "functional/test_edge_cameras.py",
    "functional/test_edge_service.py",
    "functional/test_full_run.py",
    "functional/test_operator_actions.py",
    "browser/test_timeline.py",
    "faults/test_storms.py",
    "functional/test_edge_network.py",
    "functional/test_edge_run.py",
    "contract/test_vision_pixels.py",
    "browser/test_alert_page.py",
    "infra/test_packaging.py",
)
# Modules that share a fixture which is dearer than their tests: as if they were one.
TOGETHER = {
    f"tests/infra/test_{name}.py": "synthesis" for name in ("access", "checks", "operations", "templates", "upgrades")
}


@pytest.fixture(scope="session", autouse=True)
def descriptions_of_services_are_read_once() -> Iterator[None]:
    """By botocore, once for a worker: moto gives every test a session of its own, which would read them anew."""
    load, found = JSONFileLoader.load_file, dict[str, Any]()

    def load_file(self: JSONFileLoader, file_path: str) -> Any:
        if file_path not in found:
            found[file_path] = load(self, file_path)
        return found[file_path]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", load_file)
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {f"tests/{module}": number for number, module in enumerate(DEAREST_FIRST)}
    items.sort(key=lambda item: rank.get(_module_of(item.nodeid), len(rank)))


@pytest.hookimpl(optionalhook=True)  # without xdist nobody asks
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return TOGETHER.get(_module_of(nodeid), _module_of(nodeid))

    return Scheduling(config, log)


def _module_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]
