"""Tests of collector/app."""
