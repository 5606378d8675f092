"""Servers that options name: what is said of them, waiting until they are there, and the kit for outputs over HTTP.

Reading order of the kit: `options` and `credentials` (mixins for the `Settings` of an output), `headers` (what an
operator adds), `reread` (files that change), `http_client` (one request, and what may go wrong), `http_pool` (which
node is asked), `http_node` (one request at one node). Why it is our own: `docs/decisions/0023-net-kit.md`.
"""
