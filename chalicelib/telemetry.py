"""Logs and metrics: one JSON line each, without personal data."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

if TYPE_CHECKING:
    from aws_lambda_powertools.metrics import Metrics

SERVICE = "janjan"
logger = Logger(service=SERVICE)


@cache
def _metrics() -> Metrics:
    from aws_lambda_powertools.metrics import Metrics

    return Metrics(namespace="JanJan", service=SERVICE)


def count(name: str, value: float = 1) -> None:
    """Adds to the metric `name` of this invocation; written out by `flush`."""
    from aws_lambda_powertools.metrics import MetricUnit

    _metrics().add_metric(name=name, unit=MetricUnit.Count, value=value)


def flush() -> None:
    """Writes the metrics of this invocation, if there are any."""
    metrics = _metrics()
    if metrics.metric_set:
        metrics.flush_metrics()
