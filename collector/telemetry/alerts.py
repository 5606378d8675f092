"""What alerts have sent, and what waits or was passed over → the families of a scrape."""

from collections.abc import Iterator

from collector.alerts.alerts import Alerts
from collector.telemetry import catalogue
from collector.telemetry.exposition import Family, family


def families(alerts: Alerts) -> Iterator[Family]:
    """All of them."""
    yield family(catalogue.ALERT_RULES, [((), len(alerts.status()))])
    yield family(catalogue.ALERT_NOTIFICATIONS, alerts.outcomes.items())
    yield family(catalogue.ALERT_PENDING, [((), alerts.pending)])
    yield family(catalogue.ALERT_SKIPPED, [((), alerts.skipped)])
