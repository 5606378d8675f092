"""rsyslog with an input of each kind; what it gets, it writes to a file before it acknowledges."""

import json
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import trustme

from tests.engines.debian import command_path
from tests.engines.process import ServerProcess, accepts, free_ports

from . import receiver

MOST_BYTES = 2 << 20
_KINDS = ("tcp", "tls", "relp", "relp_tls", "udp")
_POLLS = 4
_CONFIG = """\
global(workDirectory="{directory}" maxMessageSize="2m" parser.escapeControlCharactersOnReceive="off"
       defaultNetstreamDriverCAFile="{directory}/ca.pem" defaultNetstreamDriverCertFile="{directory}/cert.pem"
       defaultNetstreamDriverKeyFile="{directory}/key.pem")
main_queue(queue.type="Direct")
module(load="imudp") module(load="imtcp" maxSessions="200") module(load="imrelp")
module(load="mmpstrucdata")
template(name="j" type="list" option.jsonf="on") {{
  property(outname="input" name="inputname" format="jsonf") property(outname="pri" name="pri" format="jsonf")
  property(outname="version" name="protocol-version" format="jsonf")
  property(outname="ts" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="host" name="hostname" format="jsonf") property(outname="app" name="app-name" format="jsonf")
  property(outname="procid" name="procid" format="jsonf") property(outname="msgid" name="msgid" format="jsonf")
  property(outname="id" name="$!rfc5424-sd!pilotfish@32473!id" format="jsonf")
  property(outname="sd" name="structured-data" format="jsonf") property(outname="msg" name="msg" format="jsonf")
}}
template(name="lines" type="list") {{
  constant(value="\\n") property(name="$!line") constant(value="\\n")
}}
ruleset(name="r") {{
  action(type="mmpstrucdata")
  set $!line = exec_template("j");
  action(type="omfile" file="{directory}/out.jsonl" template="lines" flushOnTXEnd="on" asyncWriting="off")
}}
input(type="imudp" address="127.0.0.1" port="{udp}" ruleset="r" rcvbufSize="8m")
input(type="imtcp" address="127.0.0.1" port="{tcp}" ruleset="r" maxFrameSize="2000000")
input(type="imtcp" address="127.0.0.1" port="{tls}" ruleset="r" maxFrameSize="2000000" streamDriver.name="ossl"
      streamDriver.mode="1" streamDriver.authMode="anon")
input(type="imrelp" address="127.0.0.1" port="{relp}" ruleset="r" maxDataSize="2m")
input(type="imrelp" address="127.0.0.1" port="{relp_tls}" ruleset="r" maxDataSize="2m" tls="on"
      tls.caCert="{directory}/ca.pem" tls.myCert="{directory}/cert.pem" tls.myPrivKey="{directory}/key.pem"
      tls.authMode="name" tls.permittedPeer=["agent.example"])
"""


class Receiver(receiver.Receiver):
    """`kind` is which of its inputs documents go to."""

    server: ClassVar[str] = "rsyslog 8.2302"
    ways: ClassVar[Mapping[str, Mapping[str, Any]]] = {"tcp": {}, "udp": {}}

    def __init__(self, directory: Path, kind: str = "relp") -> None:
        super().__init__(directory)
        self.kind = kind
        self.ports = dict(zip(_KINDS, free_ports(len(_KINDS)), strict=True))
        self.ca_file = directory / "ca.pem"
        self._out = directory / "out.jsonl"
        self._begin = 0
        authority = trustme.CA()
        certificate = authority.issue_cert("127.0.0.1")
        authority.cert_pem.write_to_path(self.ca_file)
        certificate.private_key_pem.write_to_path(directory / "key.pem")
        certificate.cert_chain_pems[0].write_to_path(directory / "cert.pem")
        self.client_file = directory / "client.pem"
        authority.issue_cert("agent.example").private_key_and_cert_chain_pem.write_to_path(self.client_file)
        config = directory / "rsyslog.conf"
        config.write_text(_CONFIG.format(directory=directory, **self.ports))
        words: list[str | Path] = [command_path("rsyslogd") or "rsyslogd", "-n", "-i", directory / "pid", "-f", config]
        self._server = ServerProcess(words, log=directory / "rsyslogd.log", env={})

    def start(self) -> None:
        """Start it, and wait until it answers."""
        (self.directory / "pid").unlink(missing_ok=True)  # of one that was killed
        listening = [port for kind, port in self.ports.items() if kind != "udp"]
        self._server.start(lambda: all(accepts("127.0.0.1", port) for port in listening), within_seconds=30)

    def kill(self) -> None:
        """End it by SIGKILL."""
        self._server.kill()

    def stop(self) -> None:
        """End it for good."""
        self._server.kill()

    def options(self) -> Mapping[str, Any]:
        """The options of an output that delivers to it."""
        tls = {"ca_file": str(self.ca_file)} if "tls" in self.kind else {}
        return {
            "type": "syslog",
            "hosts": [f"127.0.0.1:{self.port}"],
            "transport": self.kind.removesuffix("_tls"),
            "message": "document",
            "max_message_bytes": 60_000 if self.kind == "udp" else 1_900_000,
            **tls,
            **({"tls": True, "client_cert_file": str(self.client_file)} if self.kind == "relp_tls" else {}),
        }

    def options_of(self, word: str) -> dict[str, Any]:
        """Those of one of its inputs, to which documents go from now on."""
        self.kind = word or self.kind
        return super().options_of(word)

    def messages(self) -> list[dict[str, str]]:
        """Each message as rsyslog reads it, once no more come."""
        sizes = [-1, *range(_POLLS)]
        while len({*sizes[-_POLLS:]}) > 1:  # what is sent without an acknowledgement may still be on its way
            time.sleep(0.02)
            sizes.append(self.written_bytes())
        if not self._out.exists():
            return []
        with self._out.open("rb") as out:
            out.seek(self._begin)
            lines = out.read().split(b"\n")
        return [json.loads(line) for line in lines if line.startswith(b"{") and line.endswith(b"}")]

    def forget(self) -> None:
        """Begin anew: what it wrote so far is not looked at again."""
        self._begin = self.written_bytes()

    def written_bytes(self) -> int:
        """How much it has written."""
        return self._out.stat().st_size if self._out.exists() else 0

    def stored(self) -> dict[str, list[bytes]]:
        """Each document under its `_id`, one entry per copy."""
        found: dict[str, list[bytes]] = defaultdict(list)
        for each in self.messages():
            if each["id"]:
                found[each["id"]].append(each["msg"].encode())
        return dict(found)

    @property
    def port(self) -> int:
        """Where documents arrive."""
        return self.ports[self.kind]
