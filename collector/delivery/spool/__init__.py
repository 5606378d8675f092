"""Batches that an output that is away cannot take → disk, and back.

`files` and `records` are what is on disk, `spooling` puts it there, `recovery` takes it back.
"""
