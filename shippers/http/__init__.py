"""Documents → a server that takes JSON over HTTP, in the words of a preset: `docs/outputs/http.md`.

Reading order: `settings` (options), `preset` (what a kind of server wants and answers), `presets` and `splunk` (the
kinds), `shipper` (requests and receipts), `encoding` (documents as JSON, compressed).
"""

from .settings import Settings as Settings
