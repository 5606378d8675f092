"""An output's settings → one marked document that is sent and read back: what `pilotfish output test` tells.

Its target is `pilotfish-test`, its text says which host sent it and when, and its id is that of no line.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

from collector.app.check import PROBE_SECONDS, Probed
from collector.documents.composer import FinishedLine
from collector.documents.ids import short_hash
from collector.documents.segments import single
from collector.errors import REPORT_IT, PilotfishError, place_of
from collector.model import Batch, LogStream, Receipt, Segment
from collector.ports import Finding, OutputContext, ReadsBack, Shipper, ShipperSettings
from collector.state import places
from collector.text.times import iso
from collector.transform.stamps import Stamps

TARGET = "pilotfish-test"
FOUND_SECONDS = 15.0  # within which a document has to be found that was taken
_ASK_EVERY_SECONDS = 0.5
_SHIP_SECONDS = 60.0


async def try_output(
    output: str,
    settings: ShipperSettings,
    state_dir: Path,
    *,
    host: str | None,
    stamps: Stamps,
    found_seconds: float = FOUND_SECONDS,
) -> AsyncIterator[Finding]:
    """Take one step after the other, until one fails; a document has to be found within `found_seconds`."""
    subject = "open"
    try:
        shipper = settings.open(OutputContext(output, state_dir / places.OUTPUTS / output))
        try:
            yield Finding("ok", subject, f"the options of {output} ({settings.type}) are valid")
            if isinstance(shipper, Probed):
                subject = "connect"
                async with asyncio.timeout(PROBE_SECONDS):
                    told = await shipper.probe()
                yield Finding("ok", subject, told if isinstance(told, str) else "the output answers")
            subject = "send"
            segment = marked(host or socket.gethostname(), stamps)
            async with asyncio.timeout(_SHIP_SECONDS):
                receipt = await shipper.ship(Batch((segment,)))
            yield (sent := _sent(receipt, segment))
            if sent.verdict == "ok":
                subject = "read back"
                yield await _read_back(shipper, segment, found_seconds)
        finally:
            await shipper.aclose()
    except PilotfishError as error:
        yield Finding("fail", subject, error.cause, error.remedy)
    except TimeoutError:
        yield Finding("fail", subject, "no answer in time", "check that the destination is running and reachable")
    except Exception as error:  # noqa: BLE001 - of another package's code
        yield Finding("fail", subject, f"raised an unexpected error ({place_of(error)})", REPORT_IT)


def marked(host: str, stamps: Stamps) -> Segment:
    """The one document."""
    now = time.time_ns()
    sent = iso(now)
    fields = {"host": host, "@target": TARGET, "docker_container": TARGET}
    stream = LogStream(
        container_id=TARGET, container=TARGET, entry="", target=TARGET, path="", running=False, fields=fields
    )
    name = "test-" + short_hash([TARGET, host, now])
    line = FinishedLine(f"test of an output, sent by {host} at {sent}", "stdout", sent, name)
    (stamp,) = stamps.render([sent])
    return single(stream, line, stamp, now)


def _sent(receipt: Receipt, segment: Segment) -> Finding:
    (name,) = segment.ids
    if receipt.rejected:
        (first, *_) = receipt.rejected
        return Finding("fail", "send", f"the document is refused: {first.type}: {first.reason}",
                       f"see why it refuses documents of the target {TARGET}")  # fmt: skip
    if receipt.retry.count:
        why = receipt.waits.get(TARGET)
        cause = f"the document has to wait: {why}" if why else "the output is too busy to take the document"
        return Finding("fail", "send", cause, "correct that in the destination" if why else "try again later")
    again = ", which was there already" if receipt.duplicate else ""
    return Finding("ok", "send", f"the output took the document {name} of the target {TARGET}{again}")


async def _read_back(shipper: Shipper, segment: Segment, seconds: float) -> Finding:
    if not isinstance(shipper, ReadsBack):
        return Finding("ok", "read back", f"not possible with this output: look there for {segment.ids[0]}")
    began = time.monotonic()
    while True:
        if segment.ids[0] in await shipper.read_back(segment):
            return Finding("ok", "read back", f"found after {time.monotonic() - began:.1f} s")
        if time.monotonic() - began > seconds:
            break
        await asyncio.sleep(_ASK_EVERY_SECONDS)
    return Finding("fail", "read back", f"not found within {seconds:.0f} s, though the output took it",
                   "check what discards, moves or delays documents behind the output")  # fmt: skip
