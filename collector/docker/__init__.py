"""The Docker daemon: where it is, what it answers, what happens to its containers and what they ask for."""
