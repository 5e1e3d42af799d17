"""The dashboard's pages, with what they must know about their stage."""

import mimetypes
import uuid
from pathlib import Path

from framewatch.wire.page_config import CONFIG_KEY, page_config
from infra.settings import REPO
from infra.tasks.problem import TaskProblem
from infra.tasks.session import Stage
from infra.tasks.shell import run

WEB_UI = REPO / "web_ui"
PAGES = WEB_UI / "dist"
# Neither written by hand nor read by the build.
_NOT_SOURCES = frozenset({"node_modules", "dist"})
# Vite puts a hash of the content into the name of everything below assets/.
_FOREVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"


def build_pages() -> Path:
    """Installs the packages where the lock is newer, then builds. Raises TaskProblem."""
    installed, lock = WEB_UI / "node_modules" / ".package-lock.json", WEB_UI / "package-lock.json"
    if not installed.is_file() or installed.stat().st_mtime < lock.stat().st_mtime:
        run(["npm", "ci", "--no-audit", "--no-fund"], cwd=WEB_UI, node=True)
    run(["npm", "run", "build"], cwd=WEB_UI, node=True)
    return PAGES


def current_pages() -> Path:
    """The built pages; built now when a source is newer. Raises TaskProblem."""
    return build_pages() if pages_are_stale(WEB_UI) else PAGES


def pages_are_stale(web_ui: Path) -> bool:
    """Whether a source is newer than the start page, or there is none."""
    start = web_ui / "dist" / "index.html"
    if not start.is_file():
        return True
    sources = (p for top in web_ui.iterdir() if top.name not in _NOT_SOURCES for p in (top, *top.rglob("*")))
    return any(p.stat().st_mtime > start.stat().st_mtime for p in sources if p.is_file())


def put_pages(stage: Stage, found: dict[str, str], pages: Path) -> None:
    """The start page last, so that what it names is there before it is. Raises TaskProblem."""
    if not (pages / "index.html").is_file():
        raise TaskProblem("the dashboard is not built; run `pynt webui`")
    s3, bucket = stage.session.client("s3"), found["WebBucketName"]
    files = sorted((p for p in pages.rglob("*") if _is_page(p)), key=lambda p: p.name == "index.html")
    s3.put_object(
        Bucket=bucket,
        Key=CONFIG_KEY,
        Body=page_config(found),
        ContentType="application/json",
        CacheControl=_ASK_AGAIN,
    )
    for path in files:
        key = path.relative_to(pages).as_posix()
        s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=path.read_bytes(),
            ContentType=mimetypes.guess_type(path.name)[0] or "application/octet-stream",
            CacheControl=_FOREVER if key.startswith("assets/") else _ASK_AGAIN,
        )
    changing = ["/", "/index.html", f"/{CONFIG_KEY}"]
    stage.session.client("cloudfront").create_invalidation(
        DistributionId=found["DistributionId"],
        InvalidationBatch={
            "Paths": {"Quantity": len(changing), "Items": changing},
            "CallerReference": f"pages-{uuid.uuid4()}",
        },
    )
    print(f"dashboard: {len(files)} files")


def _is_page(path: Path) -> bool:
    # The build has a config.json of its own, for whoever serves the pages without a deployment.
    return path.is_file() and not path.name.startswith(".") and path.name != CONFIG_KEY
