"""What the server counts, and how it tells Prometheus.

Counting is adding whole numbers, so that it costs a request next to nothing; names, help and
labels come in when somebody looks. No count ever goes down, whichever release is served.

Spec: Prometheus text format 0.0.4 and OpenMetrics 1.0; docs/how-to/operate.md lists every metric
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

import kg
from kg.web.pool import Load, Tally

BOUNDS: Final = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    2.5,
    5,
    10,
    30,
    60,
    300,
)
"""Upper bounds, in seconds, of the buckets of durations."""

COUNTERS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "kg_requests": (
        "Requests answered, by first part of path and status.",
        ("route", "status"),
    ),
    "kg_queries": ("Queries and graphs asked for, by form and outcome.", ("form", "outcome")),
    "kg_sent_bytes": ("Bytes of answers to queries, as they were sent.", ()),
    "kg_cache_hits": ("Queries answered by an answer that was kept.", ()),
    "kg_cache_misses": ("Queries that had to be evaluated.", ()),
    "kg_not_modified": ("Queries whose client had the answer already (304).", ()),
    "kg_queries_moved": ("Queries that went on in the slow lane.", ()),
    "kg_queries_restarted": ("Queries that were begun again in the slow lane.", ()),
    "kg_worker_starts": ("Query workers that became ready.", ()),
    "kg_worker_ends": ("Query workers that ended, by reason.", ("reason",)),
    "kg_connections_broken": ("Connections that the server has broken, by reason.", ("reason",)),
    "kg_releases_opened": ("Releases that were opened to be served.", ()),
    "kg_release_failures": ("Releases that were current and could not be opened.", ()),
}
"""Help and labels by name; a counter is written with `_total` behind its name."""
HISTOGRAMS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "kg_query_seconds": ("Time to the end of the answer to an evaluated query, by lane.", ("lane",))
}
GAUGES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "kg_ready": ("Whether a release is served.", ()),
    "kg_build_info": ("The version of this software.", ("version",)),
    "kg_release_info": ("The release that is served.", ("release",)),
    "kg_release_quads": ("Quads in the release that is served.", ()),
    "kg_requests_in_progress": ("Requests that are being answered from this release.", ()),
    "kg_connections": ("Connections that are open.", ()),
    "kg_queries_running": ("Queries that run, by lane.", ("lane",)),
    "kg_queries_waiting": ("Queries that wait for a worker, by lane.", ("lane",)),
    "kg_workers": ("Query workers that are ready.", ()),
    "kg_workers_idle": ("Query workers that have nothing to do.", ()),
    "kg_workers_isolated": ("Whether the system has taken the network from the workers.", ()),
    "kg_cache_bytes": ("Bytes that the kept answers take.", ()),
    "kg_cache_answers": ("Answers that are kept.", ()),
}
PROCESS: Final = (
    "process_virtual_memory_bytes",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_cpu_seconds_total",
    "process_open_fds",
    "process_max_fds",
)
"""What the client library tells of the server's own process."""


@dataclass(slots=True)
class Durations:
    """How many took how long."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one more."""
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds


@dataclass(slots=True)
class Metrics:
    """What has happened since the server started; one for all releases."""

    requests: Counter[tuple[str, int]] = field(default_factory=Counter)
    queries: Counter[tuple[str, str]] = field(default_factory=Counter)
    seconds: dict[str, Durations] = field(
        default_factory=lambda: {"fast": Durations(), "slow": Durations()}
    )
    broken: Counter[str] = field(default_factory=Counter)
    pools: Tally = field(default_factory=Tally)
    sent: int = 0
    hits: int = 0
    misses: int = 0
    not_modified: int = 0
    opened: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is so at the moment."""

    release: str = ""
    quads: int = 0
    in_progress: int = 0
    connections: int = 0
    load: Load | None = None
    isolated: bool = False
    cache_bytes: int = 0
    cache_answers: int = 0


class Exposition(Collector):
    """Tells Prometheus what was counted and what is so.

    Args:
        metrics: what was counted.
        state: returns what is so at the moment.
    """

    def __init__(self, metrics: Metrics, state: Callable[[], State]) -> None:
        self._metrics = metrics
        self._state = state
        self._started = time.time()
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def text(self, accept: str) -> tuple[str, bytes]:
        """Return media type and text: OpenMetrics for who accepts it, else Prometheus' own."""
        encode, media_type = choose_encoder(accept)
        return media_type, encode(self._registry)

    def collect(self) -> Iterable[Metric]:
        """Yield every metric, also those that count nothing yet."""
        m, state = self._metrics, self._state()
        load = state.load or Load(0, 0, 0, 0, 0, 0)
        none = ()
        counted: dict[str, Mapping[tuple[str, ...], float]] = {
            "kg_requests": {(route, str(status)): n for (route, status), n in m.requests.items()},
            "kg_queries": {(form, outcome): n for (form, outcome), n in m.queries.items()},
            "kg_sent_bytes": {none: m.sent},
            "kg_cache_hits": {none: m.hits},
            "kg_cache_misses": {none: m.misses},
            "kg_not_modified": {none: m.not_modified},
            "kg_queries_moved": {none: m.pools.moved},
            "kg_queries_restarted": {none: m.pools.restarted},
            "kg_worker_starts": {none: m.pools.starts},
            "kg_worker_ends": {(reason,): n for reason, n in m.pools.ends.items()},
            "kg_connections_broken": {(reason,): n for reason, n in m.broken.items()},
            "kg_releases_opened": {none: m.opened},
            "kg_release_failures": {none: m.failures},
        }
        for name, (words, labels) in COUNTERS.items():
            counter = CounterMetricFamily(name, words, labels=labels, created=None)
            for values, n in sorted(counted[name].items()):
                counter.add_metric(values, n)
            yield counter
        ((name, (words, labels)),) = HISTOGRAMS.items()
        histogram = HistogramMetricFamily(name, words, labels=labels)
        bounds = [*(f"{bound:g}" for bound in BOUNDS), "+Inf"]
        for lane, durations in m.seconds.items():
            sums = accumulate(durations.buckets)
            histogram.add_metric([lane], list(zip(bounds, sums, strict=True)), durations.total)
        yield histogram
        is_so: dict[str, Mapping[tuple[str, ...], float]] = {
            "kg_ready": {none: bool(state.release)},
            "kg_build_info": {(kg.__version__,): 1},
            "kg_release_info": {(state.release,): 1} if state.release else {},
            "kg_release_quads": {none: state.quads},
            "kg_requests_in_progress": {none: state.in_progress},
            "kg_connections": {none: state.connections},
            "kg_queries_running": {("fast",): load.fast, ("slow",): load.slow},
            "kg_queries_waiting": {("fast",): load.waiting, ("slow",): load.waiting_slow},
            "kg_workers": {none: load.workers},
            "kg_workers_idle": {none: load.idle},
            "kg_workers_isolated": {none: state.isolated},
            "kg_cache_bytes": {none: state.cache_bytes},
            "kg_cache_answers": {none: state.cache_answers},
        }
        for name, (words, labels) in GAUGES.items():
            gauge = GaugeMetricFamily(name, words, labels=labels)
            for values, n in is_so[name].items():
                gauge.add_metric(values, n)
            yield gauge
