"""Rules over documents as they are made, and the notifications that they send."""
