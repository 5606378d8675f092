"""Who is followed, and as what: `docker` asks the daemon, `directory` reads a tree; both fill a `registry`.

What a container's labels and environment ask for: `collector.docker.labels`.
"""
