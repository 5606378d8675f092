"""Pilotfish: container logs → Elasticsearch, exactly once; health → Prometheus.

The data path, a folder a step:

    inputs/      where lines come from, a module a type   (what they are: intake/)
    discovery/   who is followed, and as what             (docker or directory → registry of LogStreams)
    sources/     bytes in                                 (file_tail → Chunk: whole lines and the position after them)
    transform/   bytes → documents                        (docker_json → Segment: documents of one day, and their ids)
    pipeline/    joins all of this for one output         (pipeline)
    delivery/    segments → batches → receipts            (batches, delivery, sender; spool/ while the output is away)
    shippers.*   one destination each                     (a package of its own)
    state/       settled segments → positions on disk     (checkpoint → Position)
    dead_letters/ what is refused for good                (folder, replay)

Below it: `docker/` (the daemon), `documents/` (their bytes), `net/` (servers that options name), `files/`, `text/`.
Around it: `config/`, `runtime/` (the process), `telemetry/` (numbers), `web/` (HTTP), `boards/` (dashboards), `app/`
(the agent as a whole), `workers/` (one agent of several processes), `demo/`, `cli/`. Who may import whom stands in
pyproject.toml. To read: `model`, `ports`, `errors`, then along the path; the hot ones are `transform/docker_json` and
`documents/document`.
"""
