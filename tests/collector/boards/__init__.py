"""Tests of collector/boards."""
