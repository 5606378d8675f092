"""Batches → Logstash: by the protocol of Beats, which acknowledges, or as lines of JSON, which nothing acknowledges.

Reading order: `settings`, `lumberjack` (the bytes of the protocol), `windows` (what is sent and acknowledged), `lines`.
"""

from shippers.logstash.settings import Settings as Settings
