"""Tests of collector/files."""
