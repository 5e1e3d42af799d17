"""Follows what somebody deploys into the emulated account: an event source for every mapping, a front for every
dashboard, as they come, change and go. Each `look` is one look; whoever calls it does so every second or so.
"""

import socket
import ssl
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from framewatch.wire.page_config import CONFIG_KEY
from local_cloud.clients import ClientFactory
from local_cloud.distribution import Distribution, Origins, find_distributions
from local_cloud.event_source import EventSource
from local_cloud.front import Front, listen
from local_cloud.front_app import FrontApp, Upstream
from local_cloud.machine import Machine
from local_cloud.problem import LocalProblem
from local_cloud.stream_batches import MappingSettings, UnsupportedMapping

_STOP_S = 2.0
# Ports that are tried for one more dashboard.
_PORTS = 20


class EventSources:
    """One for each Kinesis mapping that is enabled when it is first seen.

    The emulator's own poller is turned off through the mapping itself, so from then on "disabled" says nothing any
    more, and "enabled" that another deployment has said so again.
    """

    def __init__(self, machine: Machine, say: Callable[[str], None]) -> None:
        self._machine = machine
        self._say = say
        self._running: dict[str, tuple[MappingSettings, EventSource]] = {}
        self._refused: set[str] = set()

    def look(self) -> None:
        """Raises ClientError and BotoCoreError."""
        found = {m["UUID"]: m for m in self._mappings() if ":kinesis:" in m["EventSourceArn"]}
        for uuid in self._running.keys() - found.keys():
            settings = self._end(uuid)
            self._say(f"{settings.stream_name} is no longer read: its mapping is gone")
        for uuid, mapping in found.items():
            try:
                self._follow(uuid, mapping)
            except (LocalProblem, UnsupportedMapping) as problem:
                if uuid not in self._refused:
                    self._refused.add(uuid)
                    self._say(str(problem))

    def stop(self) -> None:
        for uuid in list(self._running):
            self._end(uuid)

    def _mappings(self) -> list[dict[str, Any]]:
        pages = self._machine.emulator.client("lambda").get_paginator("list_event_source_mappings").paginate()
        return [mapping for page in pages for mapping in page["EventSourceMappings"]]

    def _follow(self, uuid: str, mapping: dict[str, Any]) -> None:
        """Raises LocalProblem and UnsupportedMapping."""
        enabled = mapping["State"] in ("Enabled", "Creating", "Enabling")
        if uuid not in self._running:
            if enabled:
                self._begin(uuid, mapping)
            return
        settings, _ = self._running[uuid]
        if MappingSettings.from_mapping(mapping) != settings:
            self._end(uuid)
            # What it had read is forgotten with it. From the beginning again, then: rather twice than never.
            self._begin(uuid, {**mapping, "StartingPosition": "TRIM_HORIZON"})
        elif enabled:
            self._machine.emulator.client("lambda").update_event_source_mapping(UUID=uuid, Enabled=False)

    def _begin(self, uuid: str, mapping: dict[str, Any]) -> None:
        source = self._machine.event_source(mapping)
        source.start()
        self._running[uuid] = (MappingSettings.from_mapping(mapping), source)
        self._say(f"{source.settings.stream_name} is read for {source.settings.function_arn.rpartition(':')[2]}")

    def _end(self, uuid: str) -> MappingSettings:
        settings, source = self._running.pop(uuid)
        source.stop(_STOP_S)
        return settings


class Dashboards:
    """A front for each deployed distribution whose pages are there: the first on `port`, others on ports after it."""

    def __init__(
        self,
        client: ClientFactory,
        emulator_url: str,
        tls: ssl.SSLContext | bool,
        port: int,
        say: Callable[[str], None],
    ) -> None:
        self._client = client
        self._emulator_url = emulator_url
        self._tls = tls
        self._port = port
        self._say = say
        self._open: dict[str, tuple[Distribution, Front]] = {}

    def look(self) -> None:
        """Raises ClientError, BotoCoreError and LocalProblem."""
        found = {d.id: d for d in find_distributions(self._client)}
        for distribution_id in self._open.keys() - found.keys():
            distribution, front = self._open.pop(distribution_id)
            front.stop()
            self._say(f"the dashboard of {distribution.comment} at {front.url} is gone")
        for distribution_id, distribution in found.items():
            if distribution_id not in self._open:
                if self._has_pages(distribution):
                    self._begin(distribution)
                continue
            known, front = self._open[distribution_id]
            if distribution != known:
                front.serve(distribution)
                self._open[distribution_id] = (distribution, front)

    def to_front(self, text: str) -> str:
        """With the addresses that the deployed dashboards have here."""
        for distribution, front in self._open.values():
            text = Origins(distribution, self._emulator_url).to_front(text, front.url)
        return text

    def stop(self) -> None:
        for _, front in self._open.values():
            front.stop()
        self._open.clear()

    def _begin(self, distribution: Distribution) -> None:
        upstream = Upstream(self._emulator_url, self._client, self._tls)
        front = Front(self._listen(), FrontApp(distribution, upstream))
        self._open[distribution.id] = (distribution, front)
        front.start()
        self._say(f"the dashboard of {distribution.comment} is at {front.url}")

    def _listen(self) -> socket.socket:
        for port in range(self._port, self._port + _PORTS):
            try:
                return listen(port)
            except LocalProblem:
                continue
        raise LocalProblem(f"No port from {self._port} on is free for a dashboard; take another --dashboard-port.")

    def _has_pages(self, distribution: Distribution) -> bool:
        bucket = distribution.pages
        try:
            for key in (distribution.root_object, CONFIG_KEY):
                if bucket is not None:
                    self._client("s3").head_object(Bucket=bucket.name, Key=key)
        except ClientError:
            return False
        return bucket is not None
