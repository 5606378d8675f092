"""Tests of collector/text."""
