"""The shipper that keeps nothing."""

import pytest

from collector.ports import OutputContext, Shipper
from shippers.null import Settings
from tests.contract.shippers import Destination, ShipperContract


class NullDestination:
    settings = Settings()

    def __init__(self, site: OutputContext) -> None:
        self.site = site

    def open(self) -> Shipper:
        return self.settings.open(self.site)

    async def stored(self) -> None:
        return None


class TestNullKeepsTheLawsOfShippers(ShipperContract):
    deduplicates = False
    takes_anything = True

    @pytest.fixture
    def destination(self, site: OutputContext) -> Destination:
        return NullDestination(site)
