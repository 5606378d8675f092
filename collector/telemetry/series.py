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


def counter(name: str, help: str, *labels: str, across: Across = "sum") -> Series:  # noqa: A002
    """A counter; its name ends with `_total`."""
    return Series(name, "counter", help, labels, across)


def gauge(name: str, help: str, *labels: str, across: Across = "sum") -> Series:  # noqa: A002
    """A gauge."""
    return Series(name, "gauge", help, labels, across)


def histogram(name: str, help: str, *labels: str) -> Series:  # noqa: A002
    """A histogram, of seconds."""
    return Series(name, "histogram", help, labels)
