"""What a series is: its name, type, help text and labels, and how the values of several workers combine."""

from typing import Literal, NamedTuple

Kind = Literal["counter", "gauge", "histogram"]
Across = Literal["sum", "least", "most"]


class Series(NamedTuple):
    """One exported series; `across` says what several workers' numbers make together."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    across: Across = "sum"

    @property
    def family(self) -> str:
        """What OpenMetrics calls it: a counter's name is without `_total`."""
        return self.name.removesuffix("_total") if self.kind == "counter" else self.name

    @property
    def unit(self) -> str:
        """`bytes`, `seconds` or "": its name ends with it."""
        return next((unit for unit in ("bytes", "seconds") if self.family.endswith(f"_{unit}")), "")


class Catalogue(list[Series]):
    """Series in the order in which they are declared."""

    def counter(self, name: str, help: str, *labels: str, across: Across = "sum") -> Series:  # noqa: A002
        """Declare a counter; its name ends with `_total`."""
        return self._with(Series(name, "counter", help, labels, across))

    def gauge(self, name: str, help: str, *labels: str, across: Across = "sum") -> Series:  # noqa: A002
        """Declare a gauge."""
        return self._with(Series(name, "gauge", help, labels, across))

    def histogram(self, name: str, help: str, *labels: str) -> Series:  # noqa: A002
        """Declare a histogram, of seconds."""
        return self._with(Series(name, "histogram", help, labels))

    def _with(self, series: Series) -> Series:
        self.append(series)
        return series


ALL = Catalogue()
"""All that are exported."""
