"""Tests of collector/formats/parts."""
