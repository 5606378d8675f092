"""bytes → documents: one file per log format; the hot path, whole and short."""
