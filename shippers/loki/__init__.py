"""Documents → Grafana Loki's push API: `docs/outputs/loki.md`.

Reading order: `settings` (options), `entries` (documents as entries of streams), `refusals` (what Loki
says of entries), `shipper` (requests and receipts).
"""

from .settings import Settings as Settings
