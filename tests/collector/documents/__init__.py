"""Tests of collector/documents."""
