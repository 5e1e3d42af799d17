"""Meter over CloudWatch's embedded metric format: lines on stdout, no request, no cost in latency."""

import threading
from collections.abc import Mapping

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit, single_metric

NAMESPACE = "Framewatch"


class EmfMeter:
    """Safe from several threads. `flush` writes what was counted since the last one.

    Metrics carry the dimensions `service` and `stage`; a count with dimensions of its own is a line by itself.
    """

    def __init__(self, service: str, stage: str):
        self._service = service
        self._stage = stage
        self._metrics = EphemeralMetrics(namespace=NAMESPACE, service=service)
        self._metrics.set_default_dimensions(stage=stage)
        self._lock = threading.Lock()

    def count(self, name: str, value: int = 1, dimensions: Mapping[str, str] | None = None) -> None:
        with self._lock:
            if dimensions is None:
                self._metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
                return
            with single_metric(
                name=name,
                unit=MetricUnit.Count,
                value=value,
                namespace=NAMESPACE,
                default_dimensions={"service": self._service, "stage": self._stage, **dimensions},
            ):
                pass

    def time_ms(self, name: str, value_ms: float) -> None:
        with self._lock:
            self._metrics.add_metric(name=name, unit=MetricUnit.Milliseconds, value=value_ms)

    def flush(self) -> None:
        with self._lock:
            if self._metrics.metric_set:  # an empty flush is a warning
                self._metrics.flush_metrics()
