"""Pilotfish: container logs → Elasticsearch, exactly once; health → Prometheus.

The data path, one module a step:

    discovery/   who is followed, and as what             (docker or directory → roster of LogStreams)
    sources/     bytes in                                 (file_tail → Chunk: whole lines and the position after them)
    transform/   bytes → documents                        (docker_json → Segment: documents of one day, and their ids)
    batches      segments → batches; back-pressure        (Batch)
    delivery     around a shipper: retry, dead_letters/   (Receipt; link, held, shipment)
    spool        what an output that is away cannot take  (spooling, recovery: there and back)
    shippers.*   one destination each                     (a package of its own)
    checkpoint   settled segments → positions on disk     (Position)

`pipeline` joins these for one output; `app` joins the pipelines with HTTP (`web/`), numbers (`telemetry/`) and the
state directory; `workers/` makes one agent of several of that. `remote` reads what options say of a server, `waiting`
waits for one: shippers and `boards/` share them. To read: `model`, `ports`, `errors`, then along the
path; `transform/docker_json` is the hot one.
"""
