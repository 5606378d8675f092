"""A document's bytes: its id, its JSON, and what becomes of one that is refused."""
