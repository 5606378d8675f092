"""The receivers that there are, by the type of output that delivers to them."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from collector.app.plugins import installed_types
from collector.ports import Promise
from tests.receivers.receiver import Receiver


class Way(NamedTuple):
    """One way to deliver to a receiver: by an output of this `type`, in the usual way or the one of that `word`."""

    type: str
    word: str

    @property
    def name(self) -> str:
        """The type, with the word behind it for all but the usual way."""
        return f"{self.type} {self.word}".strip()

    def receiver(self, directory: Path) -> Receiver:
        """A receiver that is not started yet, in a new directory."""
        directory.mkdir(parents=True)
        return _class_of(self.type)(directory)

    def options(self, receiver: Receiver) -> dict[str, Any]:
        """The output's."""
        return receiver.options_of(self.word)


def promise_of(options: Mapping[str, Any]) -> Promise:
    """What an output with these options promises."""
    return installed_types().outputs[options["type"]].model_validate(options).promise()


def _class_of(name: str) -> type[Receiver]:
    found: type[Receiver] = import_module(f"tests.receivers.{name}").Receiver
    return found


TYPES = sorted({path.stem for path in Path(__file__).parent.glob("*.py")} & {*installed_types().outputs})
WAYS = [Way(name, word) for name in TYPES for word in {"": {}, **_class_of(name).ways}]
