"""What a camera's worker is told to do."""

from pathlib import Path
from typing import Any

from edge_client.pipe import Job


def folder_job(folder: Path, **more: Any) -> Job:
    """Every picture of a folder, once, as fast as it goes; each a second after the one before it."""
    given: dict[str, Any] = {
        "camera_id": "front",
        "kind": "path",
        "target": str(folder),
        "every_nth": 1,
        "per_second": None,
        "pace": "fast",
        "loop": False,
        "reopen": False,
        "base_time": "2026-06-01T06:00:00+00:00",
        "run_started_at": "2026-06-01T06:00:00+00:00",
        "progress_fd": None,
    }
    return Job(**{**given, **more})
