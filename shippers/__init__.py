"""Destinations, one file each: the file's name is the `type` in the configuration.

A file holds a `Settings` (its options, and `open` that makes the shipper) and a class with `ship` and `aclose`
(`collector.ports.Shipper`). The laws that all of them keep are run by `tests/contract/`.
"""

from types import MappingProxyType

DEFAULT = MappingProxyType({"local": {"type": "store"}})
"""What is there when no output is configured; it stands here so that no type is loaded to find it."""
