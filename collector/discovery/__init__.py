"""Who is followed, and as what: `docker` asks the daemon, `directory` reads a tree; both fill a `roster`.

`labels` decides what a container's labels and environment ask for.
"""
