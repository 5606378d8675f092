"""Debian's ClickHouse 18.16: a real HTTP interface, too old for tokens of inserts, DateTime64 and Map."""

from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

from tests.engines.process import EngineError, ServerProcess, free_ports

VERSION = "18.16.1"
_READY_SECONDS = 60
_CONFIG = """<yandex>
  <logger><level>warning</level><console>1</console></logger>
  <http_port>{port}</http_port><tcp_port>{tcp}</tcp_port><listen_host>127.0.0.1</listen_host>
  <path>{directory}/data/</path><tmp_path>{directory}/tmp/</tmp_path>
  <users_config>{directory}/users.xml</users_config><mark_cache_size>5368709120</mark_cache_size>
  <default_profile>default</default_profile><default_database>default</default_database>
</yandex>
"""
_USERS = """<yandex>
  <profiles><default/><small><max_memory_usage>1000</max_memory_usage></small><reader><readonly>1</readonly></reader></profiles>
  <users>{users}</users><quotas><default/></quotas>
</yandex>
"""
_USER = (
    "<{name}><password>{password}</password><networks><ip>127.0.0.1</ip></networks><profile>{profile}</profile>"
    "<quota>default</quota></{name}>"
)


class ClickHouse:
    """One server with the users `default` without a password, and `writer`, `reader` and `small` with one."""

    def __init__(self, directory: Path, password: str) -> None:
        self.directory = directory
        self.port, tcp = free_ports(2)
        for name in ("data", "tmp"):
            (directory / name).mkdir()
        users = (("default", "", "default"), ("writer", password, "default"), ("reader", password, "reader"),
                 ("small", password, "small"))  # fmt: skip
        told = "".join(_USER.format(name=name, password=word, profile=profile) for name, word, profile in users)
        (directory / "users.xml").write_text(_USERS.format(users=told))
        config = directory / "config.xml"
        config.write_text(_CONFIG.format(port=self.port, tcp=tcp, directory=directory))
        self._process = ServerProcess(
            ["clickhouse-server", f"--config-file={config}"],
            log=directory / "clickhouse.log",
            env={"PATH": "/usr/sbin:/usr/bin:/bin"},
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process.start(self._answers, within_seconds=_READY_SECONDS)

    def kill(self) -> None:
        """End it by SIGKILL."""
        self._process.kill()

    def query(self, text: str) -> str:
        """What it answers to a query.

        Raises:
            EngineError: it refuses it.
        """
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", f"/?{urlencode({'query': text})}", b"")
            answer = connection.getresponse()
            said = answer.read().decode()
            if answer.status != 200:
                raise EngineError(said)
            return said
        finally:
            connection.close()

    def _answers(self) -> bool:
        try:
            return self.query("SELECT 1").strip() == "1"
        except OSError:
            return False
