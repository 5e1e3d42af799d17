"""What the templates are made for: options before context, context before the site file, the file before defaults."""

from pathlib import Path

import pytest

from framewatch.domain.errors import SiteFileError
from framewatch.domain.site import Deployment, Retention
from infra.app import settings_from
from infra.settings import StageSettings
from tests.infra.conftest import SITE

GIVEN = {"stage": None, "packages": None, "site": None, "shards": None, "retain_data": None}


def _settings(options: dict[str, object] | None = None, context: dict[str, object] | None = None) -> StageSettings:
    return settings_from({**GIVEN, **(options or {})}, (context or {}).get)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.yaml"
    text = "cameras: [{id: a}]\nretention: {frames_days: 3}\ndeployment: {shards: 4, log_days: 7}\n"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_site_file_the_models_defaults_hold() -> None:
    settings = _settings()
    assert (settings.stage, settings.retention, settings.deployment) == ("dev", Retention(), Deployment())


def test_the_site_file_says_what_runs_and_how_long_things_stay(site: Path) -> None:
    settings = _settings({"site": site})
    assert settings.deployment == Deployment(shards=4, log_days=7)
    assert settings.retention.frames_days == 3


def test_an_option_comes_before_the_context_and_both_before_the_site_file(site: Path) -> None:
    assert _settings({"site": site}, {"shards": "2"}).deployment == Deployment(shards=2, log_days=7)
    assert _settings({"shards": "1"}, {"shards": "2", "site": str(site)}).deployment.shards == 1
    assert _settings({"stage": "prod"}, {"stage": "test"}).stage == "prod"


@pytest.mark.parametrize("shards", ["0", "many", "501"])
def test_shards_outside_the_files_bounds_are_refused_in_a_sentence(shards: str) -> None:
    with pytest.raises(ValueError, match=f"^--shards {shards}: Input should be") as caught:
        _settings({"shards": shards})
    assert "\n" not in str(caught.value)


def test_a_wrong_site_file_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("cameras: [{id: a}]\ndeployment: {log_days: 31}\n", encoding="utf-8")
    with pytest.raises(SiteFileError, match=r"^mine\.yaml:2: deployment\.log_days: "):
        _settings({"site": path})


def test_prod_keeps_its_data_unless_told_otherwise() -> None:
    assert [_settings({"stage": s}).retain_data for s in ("dev", "prod")] == [False, True]
    assert not _settings({"stage": "prod", "retain_data": "false"}).retain_data
    assert _settings(context={"retain_data": True}).retain_data


def test_a_yes_that_is_not_understood_deletes_nothing() -> None:
    with pytest.raises(ValueError, match="retain_data is 'yes'; write true or false"):
        _settings(context={"retain_data": "yes"})


def test_a_stage_that_cannot_be_in_the_sign_in_pages_name_needs_a_prefix() -> None:
    with pytest.raises(ValueError, match="Cognito takes no 'aws'"):
        StageSettings(stage="awstest")
    assert StageSettings(stage="awstest", deployment=Deployment(sign_in_prefix="my-site")).stage == "awstest"


def test_the_example_says_nothing_about_the_deployment() -> None:
    assert _settings({"site": SITE}).deployment == Deployment()
