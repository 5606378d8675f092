"""Tests of collector/delivery/spool."""
