"""Tests of collector/docker."""
