"""Real sockets that misbehave on purpose, for what a real server does too rarely."""
