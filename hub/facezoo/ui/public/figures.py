"""What a hub in public counts, as Prometheus reads it: requests, seconds by stage, the queue, refusals."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

__all__ = ["CONTENT_TYPE", "Figures"]

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)


class Figures(logging.Handler):
    """Counters of one hub. What is worked on comes by the log, of whose lines those with `facts` are read."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._all = CollectorRegistry()
        self._requests = self._counter("requests", "Requests answered.", "kind", "status")
        self._request_seconds = self._histogram("request_seconds", "From a request to the end of its answer.", "kind")
        self._refusals = self._counter("refusals", "Requests by their status, and jobs by their error.", "why")
        self._results = self._counter("results", "Sealed results.", "method")
        self._stage_seconds = self._histogram("stage_seconds", "What a result took, by stage.", "method", "stage")
        self._waits = self._histogram("queue_wait_seconds", "What a job waited for its turn.", "queue")
        self._jobs = self._histogram("queue_work_seconds", "What a job took from its turn to its end.", "queue")
        ProcessCollector(registry=self._all)

    def gauge(self, name: str, words: str, value: Callable[[], float]) -> None:
        """One more figure, which is asked for whenever all are."""
        Gauge(f"facezoo_{name}", words, registry=self._all).set_function(value)

    def answered(self, kind: str, status: int, seconds: float) -> None:
        """A request of this kind was answered."""
        self._requests.labels(kind, status).inc()
        self._request_seconds.labels(kind).observe(seconds)
        if status >= 400:
            self._refusals.labels(status).inc()

    def emit(self, record: logging.LogRecord) -> None:
        """Counts a line of the log: `made` is a result, `ended` a job without one, `job` either."""
        facts: Mapping[str, Any] = getattr(record, "facts", {})
        if record.msg == "made":
            self._results.labels(facts["method"]).inc()
            for stage, seconds in facts["seconds"].items():
                self._stage_seconds.labels(facts["method"], stage).observe(seconds)
        elif record.msg == "ended":
            self._refusals.labels(facts["error"]).inc()
        elif record.msg == "job":
            self._waits.labels(facts["queue"]).observe(facts["waited"])
            self._jobs.labels(facts["queue"]).observe(facts["worked"])

    def text(self) -> bytes:
        """All of them, in Prometheus' text format."""
        return generate_latest(self._all)

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(f"facezoo_{name}", words, labels, registry=self._all)

    def _histogram(self, name: str, words: str, *labels: str) -> Histogram:
        return Histogram(f"facezoo_{name}", words, labels, registry=self._all, buckets=_SECONDS)
