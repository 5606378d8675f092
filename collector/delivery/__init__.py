"""Batches → a shipper → receipts: retry, back-off, per-document outcomes.

Reading order: `batches` (what waits), `delivery`, `sender` (the way to the destination), `blocked` (what waits for the
operator), `suspects` (what the destination may die of), `shipment` (what is under way), `spool/` (what a destination
that is away cannot take).
"""
