"""The state directory: where everything is, who owns it, and how far each stream is settled."""
