"""A local stack that has played clips, for tests that look at what came of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from edge_client.sampler import Sampling
from framewatch.adapters.aws.alert_table import DynamoAlertTable
from framewatch.adapters.aws.dynamo import DynamoTable
from framewatch.domain.alerts import OpenAlert
from framewatch.domain.limits import Held
from local_cloud.cameras import choose_site
from local_cloud.emulator import Sms
from local_cloud.journal import Journal
from local_cloud.report import Places, build_report, read_back
from local_cloud.runner import Pace, Run, edge_cameras
from local_cloud.stack import LocalStack, StackOptions
from local_cloud.trim import GatedKinesis


class Played:
    """Every source is played once, as fast as it goes, and processed; the stack still runs."""

    def __init__(
        self,
        assembly: Path,
        site_file: Path,
        sources: Sequence[str],
        sampling: Sampling,
        *,
        model: str | None = None,
        samplings: Mapping[str, Sampling] | None = None,
    ) -> None:
        """site_file: its cameras are those of sources, in order. samplings: by camera id, before sampling."""
        self.choice = choose_site(sources, site_file, watch=None, min_confidence=None, default_watch=())
        self.journal = Journal()
        self.stack = LocalStack(
            StackOptions(self.choice.site_text, model=model, assembly=assembly), on_delivery=self.journal.on_delivery
        )
        self.stack.start()
        self.kinesis = GatedKinesis(self.stack.kinesis_for_the_edge())
        cameras = [
            replace(camera, sampling=(samplings or {}).get(camera.camera_id, sampling))
            for camera in edge_cameras(self.choice.cameras, Pace(sampling, fast=True, loop=False))
        ]
        self.run = Run(self.stack, cameras, self.journal, print, kinesis=self.kinesis)
        try:
            self.run.start()
            assert self.run.wait_for_cameras()
            assert self.run.wait_until_processed()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def report(self) -> dict[str, Any]:
        places = Places(*(self.stack.outputs[n] for n in ("TableName", "FramesBucketName", "FailureQueueUrl")))
        found = read_back(self.client, places, self.journal.snapshot())
        return build_report(
            self.journal, self.run.edge_report, found, self.choice.site, vision=self.stack.vision_stats(), errors=[]
        )

    @property
    def client(self) -> Any:
        return self.stack.emulator.client

    @property
    def alerts(self) -> DynamoAlertTable:
        return DynamoAlertTable(DynamoTable(self.client("dynamodb"), self.stack.outputs["TableName"]))

    def open_work(self) -> tuple[list[OpenAlert], list[tuple[str, Held]]]:
        return self.alerts.open_work()

    def table(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Everything in it. A scan: the one thing that the product never does."""
        pages = self.client("dynamodb").get_paginator("scan").paginate(TableName=self.stack.outputs["TableName"])
        return {(i["pk"]["S"], i["sk"]["S"]): i for page in pages for i in page["Items"]}

    def frame_docs(self) -> list[dict[str, Any]]:
        return [json.loads(i["doc"]["S"]) for (pk, _), i in self.table().items() if pk.startswith("F#")]

    def objects(self, prefix: str) -> list[str]:
        listed = self.client("s3").list_objects_v2(Bucket=self.stack.outputs["FramesBucketName"], Prefix=prefix)
        return [entry["Key"] for entry in listed.get("Contents", [])]

    def object(self, key: str) -> bytes:
        body = self.client("s3").get_object(Bucket=self.stack.outputs["FramesBucketName"], Key=key)["Body"]
        return bytes(body.read())

    def texts(self) -> list[tuple[str, str]]:
        return sorted((t.number, t.text) for t in self.sms())

    def sms(self) -> list[Sms]:
        return self.stack.emulator.texts()

    def close(self) -> None:
        self.run.stop()
        self.stack.stop()
