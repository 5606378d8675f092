"""Batches → a server that speaks Fluentd's forward protocol (Fluentd, Fluent Bit, the OpenTelemetry Collector, Vector).

Reading order: `settings`, `entries` (documents as MessagePack), `message_pack` (what a server says), `handshake`,
`shipper`.
"""

from shippers.forward.settings import Settings as Settings
