"""Who is followed, and as what: `docker` asks the daemon, `directory` reads a tree; each fills a `Listing`.

What a container's labels and environment ask for: `collector.docker.labels`.
"""
