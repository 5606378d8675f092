"""Tests of collector/delivery."""
