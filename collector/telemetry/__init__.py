"""Numbers that the parts keep, and what is asked of the daemon on a timer → `/metrics`.

Reading order: `catalogue` (every series), `exporter` (all families of a scrape; the agent's own), `daemon`,
`containers` (each container's lines, kept until it changes), `poll` (what asks), `usage` (its answers → lines),
`exposition` (the two formats), `lag`. A scrape waits for nobody: ADR 0012.
"""
