"""Tests of collector/search."""
