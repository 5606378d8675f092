"""The types of input, a module each, found by its file name: what they are is told in `collector.intake.input`."""

from types import MappingProxyType

DEFAULT = MappingProxyType({"docker": {"type": "docker"}})
"""What is there when no input is configured; it stands here so that no type is loaded to find it."""
