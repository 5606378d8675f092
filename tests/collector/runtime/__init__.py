"""Tests of collector/runtime."""
