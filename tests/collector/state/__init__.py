"""Tests of collector/state."""
