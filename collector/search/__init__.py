"""What every output that answers searches shares: the query language, the scale of a histogram, and cursors."""
