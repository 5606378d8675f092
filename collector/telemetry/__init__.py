"""Numbers that the parts keep → series: `catalogue` declares each series, `exporter` fills them at a scrape."""
