"""Documents → OpenTelemetry's protocol over HTTP, in protobuf: `docs/outputs/otlp.md`.

Reading order: `settings` (options), `wire` (protobuf), `records` (documents as log records), `response` (what a server
answers), `shipper` (requests and receipts). Why protobuf is written by hand: `docs/outputs/otlp.md`, "Cost".
"""

from .settings import Settings as Settings
