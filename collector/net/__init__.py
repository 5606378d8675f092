"""Servers that options name: what is said of them, waiting until they are there, and kits for HTTP and TCP.

Reading order for HTTP: `options` and `credentials` (mixins for the `Settings` of an output), `headers` (what an
operator adds), `reread` (files that change), `http_client` (one request, and what may go wrong), `http_pool` (which
node is asked), `http_node` (one request at one node). Why it is our own: `docs/decisions/0023-net-kit.md`.

For TCP: `addresses` (how a server is named), `stream_options` (the mixin for `Settings`), `stream` (one connection),
`streams` (those to one destination, kept and used again), `unacknowledged` (where a server acknowledges nothing);
where there is UDP, too: `datagram_options` (the mixin), `datagrams`.
"""
