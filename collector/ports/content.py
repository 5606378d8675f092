"""The options of an output that say what of all lines it gets, and the seam between them and the names they are for.

A pattern has `*`, `?` and `[…]` as file names have; one that begins with `!` takes out what the others let in.
"""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from collector.values import Section

Pattern = Annotated[str, StringConstraints(pattern=r"^!?[^!\s]\S*$", max_length=512)]
Glob = Annotated[str, StringConstraints(min_length=1, max_length=512)]
ContainerId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{1,64}$")]


def is_chosen(name: str, patterns: Sequence[str]) -> bool:
    """Whether a name is among them: none choose all, and those with `!` alone all but theirs."""
    without = [one[1:] for one in patterns if one.startswith("!")]
    among = [one for one in patterns if not one.startswith("!")]
    is_in = not among or any(fnmatchcase(name, one) for one in among)
    return is_in and not any(fnmatchcase(name, one) for one in without)


def has_labels(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Whether all that is wanted is there: labels, each with a value that its pattern matches."""
    return all(name in labels and fnmatchcase(labels[name], glob) for name, glob in wanted.items())


class ContentOptions(Section):
    """What an output gets."""

    containers: tuple[Pattern, ...] = Field(
        (),
        max_length=64,
        description="containers whose lines it gets, by name; patterns with *, a pattern with ! in front excludes; "
        "default: all",
    )
    container_ids: tuple[ContainerId, ...] = Field(
        (), max_length=64, description="containers whose lines it gets, by the beginnings of their ids; default: all"
    )
    container_labels: dict[str, Glob] = Field(
        {},
        max_length=64,
        description="labels of the containers whose lines it gets, with patterns for their values; a container needs "
        "all of them; default: all containers",
    )
    of_stream: Literal["stdout", "stderr"] | None = Field(
        None, description="stream of containers that it gets, stdout or stderr; default: both"
    )
    targets: tuple[Pattern, ...] = Field(
        (),
        max_length=64,
        description="targets whose documents it gets; patterns with *, a pattern with ! in front excludes; "
        "default: all",
    )
    level: Literal["trace", "debug", "info", "warn", "error", "fatal"] | None = Field(
        None, description="minimum level; lines with a lower one are left out, lines without a level are delivered"
    )
    redact: tuple[str, ...] = Field(
        (),
        description="sets and rules of redaction for lines and fields of this output, besides those for a container",
    )

    def has_container(self, name: str, container_id: str, labels: Mapping[str, str]) -> bool:
        """Whether it gets lines of a container of this name, this id and these labels."""
        return (
            (not self.container_ids or container_id.startswith(self.container_ids))
            and is_chosen(name, self.containers)
            and has_labels(labels, self.container_labels)
        )

    def has_target(self, target: str) -> bool:
        """Whether it gets documents with this target."""
        return is_chosen(target, self.targets)
