"""The measurements: each takes what was asked and returns a table."""

from collections.abc import Callable, Mapping

from tests.bench.asked import Asked, Outcome
from tests.bench.scenarios import (
    active,
    catch_up,
    fair,
    idle,
    latency,
    outputs,
    ramp,
    scrape,
    server,
    settings,
    several,
    steady,
    store,
)

ALL: Mapping[str, Callable[[Asked], Outcome]] = {
    "catch-up": catch_up.mixed,
    "long": catch_up.long,
    "stacks": catch_up.stacks,
    "settings": settings.measure,
    "outputs": outputs.measure,
    "server": server.measure,
    "store": store.measure,
    "several": several.measure,
    "steady": steady.measure,
    "active": active.measure,
    "latency": latency.measure,
    "fair": fair.measure,
    "ramp": ramp.measure,
    "idle": idle.measure,
    "scrape": scrape.measure,
}
