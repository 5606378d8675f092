"""Servers that options name: what is said of them, and waiting until they are there."""
