"""What systemd is told: see sd_notify(3)."""

import socket
from pathlib import Path

import pytest

from edge_client.service import notify

UNIT = Path(__file__).parents[2] / "edge_client" / "framewatch-edge.service"


@pytest.mark.parametrize("form", ["path", "abstract"])
def test_systemd_is_told_over_its_socket(tmp_path, monkeypatch, form):
    address = str(tmp_path / "notify") if form == "path" else f"@framewatch-test-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address.replace("@", "\0", 1) if form == "abstract" else address)
        systemd.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        notify("READY=1")
        assert systemd.recv(100) == b"READY=1"


def test_without_systemd_nothing_happens(tmp_path, monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    notify("READY=1")


def test_the_unit_drops_every_right_it_does_not_need_and_signals_the_parent_alone():
    lines = UNIT.read_text().splitlines()
    for line in (
        "Type=notify",
        "Restart=always",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "StateDirectory=framewatch",
        "DynamicUser=yes",
        "SupplementaryGroups=video",
        "CapabilityBoundingSet=",
        # SIGTERM to a worker would cut the frame that it is handing over.
        "KillMode=mixed",
    ):
        assert line in lines
    assert any(line.startswith("EnvironmentFile=") for line in lines)
