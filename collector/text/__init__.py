"""Text and times → what people write and what a terminal may show; nothing of the rest is known here."""
