"""Batch → Kafka: each document, or a bundle of them, is a record with its `_id` in the header `id`.

Guarantees: a document is counted as delivered only when the broker's own answer for its record says so, with
`acks=all`; the producer is idempotent, and the first error ends its life, so that nothing is sent behind a gap. With
`transactional` a batch is one transaction, and a reader of committed records sees each document once.
Spec: `docs/outputs/kafka.md`; why aiokafka, and why these records: `docs/decisions/0038-…`.

Reading order: `settings` (the options), `records` (documents as records), `producer` (one life of a producer),
`shipper` (one batch), `journal` and `transactions` (the same in one transaction).
"""

from collector.ports import OutputContext, Shipper

from .settings import Options
from .shipper import KafkaShipper
from .transactions import TransactionalShipper

__all__ = ["Settings"]


class Settings(Options):
    """Topics of a Kafka cluster."""

    def open(self, context: OutputContext) -> Shipper:
        """Read the named files and make the shipper; connects to nothing yet.

        Raises:
            ConfigurationError: a file that the options name cannot be read, or the client for Kafka is not installed.
        """
        access = self.access(f"outputs.{context.output}.")
        return TransactionalShipper(self, access, context) if self.transactional else KafkaShipper(self, access)
