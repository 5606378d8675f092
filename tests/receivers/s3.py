"""A real server of S3: SeaweedFS, which checks signatures and keeps to `If-None-Match`."""

import json
import re
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from collector.files import gzip
from tests.engines import seaweedfs
from tests.engines.process import ServerProcess, free_ports
from tests.receivers.receiver import Receiver as _Receiver

KEY, SECRET = "tests-key", "tests-secret-key"
WRITER, WRITERS_SECRET = "writers-key", "writers-secret-key"  # may write, and neither read nor list
BUCKET = "logs"
_READY_SECONDS = 60
_PROBE = b"x" * 10_000  # more than it keeps with the names
_ACTIONS = ["Admin", "Read", "Write", "List", "Tagging"]


class Receiver(_Receiver):
    """One SeaweedFS with the bucket `logs`."""

    server: ClassVar[str] = f"SeaweedFS {seaweedfs.VERSION}"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        found = free_ports(8)
        self._ports = found
        self._port, master, master_rpc, volume, volume_rpc, filer, filer_rpc, s3_rpc = found
        data = directory / "data"
        data.mkdir()
        identities = [
            {"name": "t", "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": _ACTIONS},
            {"name": "w", "credentials": [{"accessKey": WRITER, "secretKey": WRITERS_SECRET}], "actions": ["Write"]},
        ]
        (directory / "s3.json").write_text(json.dumps({"identities": identities}))
        words = ["-logtostderr=true", "server", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]
        words += [f"-master.port={master}", f"-master.port.grpc={master_rpc}", "-master.volumeSizeLimitMB=64"]
        words += ["-master.electionTimeout=1s", "-s3.autoCreateBucket=false"]
        words += ["-master.telemetry=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]
        words += [f"-volume.port={volume}", f"-volume.port.grpc={volume_rpc}", "-volume.max=20"]
        words += [f"-filer.port={filer}", f"-filer.port.grpc={filer_rpc}"]
        words += [f"-s3.port={self._port}", f"-s3.port.grpc={s3_rpc}", f"-s3.config={directory / 's3.json'}"]
        self._process = ServerProcess(
            [seaweedfs.weed(), *words], log=directory / "s3.log", env={"PATH": "/usr/bin:/bin", "HOME": str(directory)}
        )

    def start(self) -> None:
        """Start it, or start it again on what it has, and wait until it has the bucket."""
        self._process.start(self._has_bucket, within_seconds=_READY_SECONDS)

    def kill(self) -> None:
        """End it by SIGKILL."""
        self._process.kill()

    def stop(self) -> None:
        """End it for good, and remove the sockets that it leaves behind."""
        self._process.kill()
        for port in self._ports:
            for socket in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                socket.unlink(missing_ok=True)

    def options(self) -> Mapping[str, Any]:
        """Those of an output that delivers to it."""
        own = {"access_key_id": KEY, "secret_access_key": SECRET, "bucket": BUCKET}
        return {"type": "s3", "hosts": [f"http://127.0.0.1:{self._port}"], "linger_seconds": 0.2, **own}

    def stored(self) -> dict[str, list[bytes]]:
        """Each document by its id, from all objects."""
        found: dict[str, list[bytes]] = {}
        for name in self.names():
            status, content = self.ask("GET", f"/{BUCKET}/{name}")
            assert status == 200, content
            for line in gzip.decompress(content).splitlines():
                head, _, rest = line.partition(b",")
                found.setdefault(json.loads(head + b"}")["_id"], []).append(b"{" + rest)
        return found

    def names(self) -> list[str]:
        """The names of all objects."""
        found: list[str] = []
        after = ""
        while True:
            status, text = self.ask("GET", f"/{BUCKET}/?list-type=2&max-keys=1000&start-after={quote(after, safe='')}")
            assert status == 200, text
            names = [each.decode() for each in re.findall(rb"<Key>([^<]+)</Key>", text)]
            if not names:
                return found
            found += names
            after = names[-1]

    def ask(self, method: str, target: str, body: bytes = b"") -> tuple[int, bytes]:
        """One signed request: status and body of its answer."""
        request = AWSRequest(method=method, url=f"http://127.0.0.1:{self._port}{target}", data=body)
        S3SigV4Auth(Credentials(KEY, SECRET), "s3", "us-east-1").add_auth(request)
        connection = HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request(method, target, body, dict(request.headers.items()))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    @property
    def port(self) -> int:
        """Where it listens for S3."""
        return self._port

    def _has_bucket(self) -> bool:
        """Whether it takes an object and gives it back: its parts start one after the other."""
        try:
            if self.ask("GET", f"/{BUCKET}/?list-type=2&max-keys=1")[0] != 200:
                self.ask("PUT", f"/{BUCKET}")
                self.ask("PUT", "/ready")
            self.ask("PUT", "/ready/object", _PROBE)
            return self.ask("GET", "/ready/object") == (200, _PROBE)
        except OSError:
            return False
