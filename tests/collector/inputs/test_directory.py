"""Laws of the input `directory`: those of all inputs, on a tree as Docker leaves it."""

import json
import shutil
from pathlib import Path

from collector.inputs.directory import Settings
from tests.collector.docker_lines import ContainerLog, raw
from tests.contract.inputs import InputContract


class TestDirectory(InputContract):
    def settings(self, directory: Path) -> Settings:
        return Settings(path=directory)

    def write(self, directory: Path, name: str, *messages: str) -> None:
        log = ContainerLog(directory, name)
        log.live.with_name("config.v2.json").write_text(json.dumps({"Name": f"/{name}", "State": {"Running": True}}))
        log.write(*(raw(f"{message}\n") for message in messages))

    def remove(self, directory: Path, name: str) -> None:
        shutil.rmtree(directory / name)

    def hide(self, directory: Path) -> None:
        directory.rename(directory.with_name("hidden"))

    def show(self, directory: Path) -> None:
        directory.with_name("hidden").rename(directory)
