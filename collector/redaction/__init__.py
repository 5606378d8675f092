"""Secrets and personal data in a line's text → `[redacted:<rule>]`, before the line is stored or shown (ADR 0032).

Reading order: `redactor` (what is done to a line), `rule`, then the rules themselves: `secrets`, `assignments`, `pii`.
"""
