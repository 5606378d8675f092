"""Tests of collector/net."""
