"""Site file and pages: what is refused, where they go, and when a deploy is needed as well."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from infra.settings import PARTS, StageSettings
from infra.tasks import publish
from infra.tasks.deploy import deploy
from infra.tasks.problem import TaskProblem
from infra.tasks.publish import pages_are_stale, put_pages
from infra.tasks.site import checked_site, configure, put_site
from tests.infra.fake_aws import REGION, Account

OUTPUTS = {
    "WebBucketName": "pages",
    "SignInUrl": "https://framewatch-dev-123456789012.auth.eu-west-1.amazoncognito.com",
    "Issuer": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Pool",
    "UserPoolClientId": "client",
}


def _bucket(account: Account, name: str) -> None:
    account.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})


def test_a_bad_site_file_is_refused_before_anything_is_touched(account: Account, tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("cameras:\n  - id: Front Door\n", encoding="utf-8")
    with pytest.raises(TaskProblem, match=r"site\.yaml:2"):
        deploy(account.stage(), site)


def test_a_site_file_that_is_not_there_is_told_with_the_way_to_one(tmp_path: Path) -> None:
    with pytest.raises(TaskProblem, match=r"copy config/site\.example\.yaml"):
        checked_site(tmp_path / "site.yaml")


def test_what_is_allowed_and_rarely_meant_is_told_and_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("cameras: [{id: front}]\nrules:\n  - {id: porch, labels: [Person]}\n", encoding="utf-8")
    assert checked_site(site)[1].rules[0].id == "porch"
    assert f"warning: {site}:3: rules[0]: nobody is told by 'porch'; add notify" in capsys.readouterr().out


def test_the_site_file_goes_where_the_functions_read_it(account: Account) -> None:
    _bucket(account, "site-files")
    put_site(account.stage(), {"ConfigBucketName": "site-files"}, b"cameras: []\n")
    body = account.client("s3").get_object(Bucket="site-files", Key="site.yaml")["Body"]
    assert body.read() == b"cameras: []\n"


@pytest.mark.parametrize(
    ("section", "needs_deploy"),
    [
        ("", False),
        ("watch: {labels: [Dog]}", False),
        ("retention: {frames_days: 7}", True),
        ("deployment: {shards: 2}", True),
    ],
)
def test_configuring_says_when_a_deploy_is_needed_too(
    account: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str], section: str, needs_deploy: bool
) -> None:
    _bucket(account, "site-files")
    for part in PARTS:
        account.stacks.add(part)
    found = {"ConfigBucketName": "site-files", "SettingsDigest": StageSettings().digest}
    account.stacks.add("data").outputs = found
    site = tmp_path / "site.yaml"
    site.write_text(f"cameras: [{{id: front}}]\n{section}\n", encoding="utf-8")
    configure(account.stage(), *checked_site(site))
    assert ("`pynt deploy[dev]` makes it so" in capsys.readouterr().out) is needs_deploy
    # What needs no deploy counts at once, and the rest of the file, too.
    assert account.client("s3").get_object(Bucket="site-files", Key="site.yaml")["Body"].read() == site.read_bytes()


def test_a_stage_that_is_not_deployed_cannot_be_configured(account: Account, tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("cameras: [{id: front}]\n", encoding="utf-8")
    with pytest.raises(
        TaskProblem, match=r"framewatch-dev-data is not deployed in eu-west-1; run `pynt deploy\[dev\]`"
    ):
        configure(account.stage(), *checked_site(site))


class Ordered:
    """S3, with the keys in the order in which they are put."""

    def __init__(self, s3: Any):
        self._s3, self.put = s3, []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._s3, name)

    def put_object(self, **what: Any) -> Any:
        self.put.append(what["Key"])
        return self._s3.put_object(**what)


PAGES = ("index.html", "assets/app-1a2b.js", "favicon.svg", "icon-192.png", "manifest.webmanifest")


@pytest.fixture
def uploaded(account: Account, tmp_path: Path) -> Account:
    """A few pages, in their bucket."""
    account.replaced["s3"] = Ordered(account.client("s3"))
    _bucket(account, "pages")
    for name in (*PAGES, ".stamp", "config.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    distribution = account.client("cloudfront").create_distribution(
        DistributionConfig={
            "CallerReference": "x",
            "Comment": "",
            "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "example.org"}]},
            "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "https-only"},
        }
    )["Distribution"]["Id"]
    put_pages(account.stage(), OUTPUTS | {"DistributionId": distribution}, tmp_path)
    return account


def test_pages_are_uploaded_start_page_last_with_how_long_they_keep(uploaded: Account) -> None:
    s3 = uploaded.client("s3")
    found = {name: s3.head_object(Bucket="pages", Key=name) for name in PAGES}
    assert found["index.html"]["CacheControl"] == "no-cache"
    assert found["index.html"]["ContentType"] == "text/html"
    assert found["assets/app-1a2b.js"]["CacheControl"] == "public, max-age=31536000, immutable"
    # By these two a browser knows that the page can be installed.
    assert found["manifest.webmanifest"]["ContentType"] == "application/manifest+json"
    assert found["icon-192.png"]["ContentType"] == "image/png"
    assert sorted(s3.put) == sorted([*PAGES, "config.json"])
    assert s3.put[-1] == "index.html"


def test_what_changes_under_its_name_is_invalidated(uploaded: Account) -> None:
    cloudfront = uploaded.client("cloudfront")
    distribution = cloudfront.list_distributions()["DistributionList"]["Items"][0]["Id"]
    (listed,) = cloudfront.list_invalidations(DistributionId=distribution)["InvalidationList"]["Items"]
    found = cloudfront.get_invalidation(DistributionId=distribution, Id=listed["Id"])["Invalidation"]
    assert found["InvalidationBatch"]["Paths"]["Items"] == ["/", "/index.html", "/config.json"]


def test_the_page_is_told_where_to_sign_in(uploaded: Account) -> None:
    found = uploaded.client("s3").get_object(Bucket="pages", Key="config.json")
    assert found["CacheControl"] == "no-cache"
    sign_in = json.loads(found["Body"].read())["sign_in"]
    assert sign_in["client_id"] == "client"
    assert sign_in["authorize_url"] == f"{OUTPUTS['SignInUrl']}/oauth2/authorize"


def test_pages_that_are_not_built_are_not_uploaded(account: Account, tmp_path: Path) -> None:
    with pytest.raises(TaskProblem, match="`pynt webui`"):
        put_pages(account.stage(), OUTPUTS, tmp_path)


def _aged(path: Path, age_s: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("", encoding="utf-8")
    os.utime(path, (1_000_000 - age_s, 1_000_000 - age_s))


def test_pages_older_than_a_source_are_stale(tmp_path: Path) -> None:
    assert pages_are_stale(tmp_path)
    _aged(tmp_path / "dist" / "index.html", 100)
    _aged(tmp_path / "src" / "app.tsx", 200)
    _aged(tmp_path / "node_modules" / "preact" / "index.js", 0)
    assert not pages_are_stale(tmp_path)
    _aged(tmp_path / "src" / "app.tsx", 50)
    assert pages_are_stale(tmp_path)


def test_packages_are_installed_only_where_the_lock_is_newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(publish, "WEB_UI", tmp_path)
    monkeypatch.setattr(publish, "run", lambda command, **_: ran.append(command[:2]))
    _aged(tmp_path / "package-lock.json", 100)
    publish.build_pages()
    assert ran == [["npm", "ci"], ["npm", "run"]]
    _aged(tmp_path / "node_modules" / ".package-lock.json", 50)
    ran.clear()
    publish.build_pages()
    assert ran == [["npm", "run"]]
