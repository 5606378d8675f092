"""Tests of collector/pipeline."""
