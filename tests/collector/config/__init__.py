"""Tests of collector/config."""
