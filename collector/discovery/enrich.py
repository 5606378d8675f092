"""What a daemon says of a container (`inspect`, or `config.v2.json`) → a Container with its streams."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import structlog
from msgspec.structs import replace

from collector.container_settings.policy import Select
from collector.container_settings.rule_book import RuleBook
from collector.container_settings.statement import DEFAULT, SOURCE, STDOUT, Asking, Entry, Fault, Origin, settings
from collector.discovery.mounts import Mount
from collector.discovery.registry import Container
from collector.discovery.share import EVERYTHING, Share
from collector.discovery.volume_files import Wanted, Wish
from collector.docker import json_file
from collector.docker.labels import relevant, service, trusted_fields
from collector.model import LogStream, StreamKey
from collector.text.bounds import MOST_BYTES, bounded, is_cut

log = structlog.get_logger(__name__)

_TOLD = 10_000  # containers whose cut members were told: their ids take a megabyte


class Described(NamedTuple):
    """What both forms of description have in common: the container as it is without streams, and what asks for them.

    Labels and variables (`A=b`) are all that it has. `files_kept`: `LogStream.files_kept`. `mounts`: where its files
    may be.
    """

    container: Container
    labels: Mapping[str, str]
    environment: Sequence[str]
    path: str
    files_kept: int = 0
    mounts: tuple[Mount, ...] = ()


class Enricher:
    """Makes containers of descriptions, by the `rules` that there are then.

    `target_of` gives the target that a stream has, if it was seen before: one that it asked for stays. `has_room` tells
    whether a further target may be named; if not, the entry goes where the container's log goes without it. Of several
    processes the one whose `share` has a container writes about it into the log.
    """

    def __init__(
        self,
        host: str,
        select: Select,
        own_id: str,
        target_of: Callable[[StreamKey], str | None],
        has_room: Callable[[str, Collection[str]], bool] = lambda target, beside: True,
        *,
        share: Share = EVERYTHING,
        rules: RuleBook | None = None,
        files: Callable[[Wanted], Container] = lambda wanted: wanted.container,
    ) -> None:
        """`files` adds the streams of files that a container asks for."""
        self._files = files
        self.host = host
        self.rules = rules or RuleBook()
        self._select = select
        self._own_id = own_id
        self._target_of = target_of
        self._has_room = has_room
        self._share = share
        self._told: set[str] = set()

    def container(self, described: Described) -> Container:
        """The container with the streams it asks for, or with the reason why it has none."""
        labels = relevant(described.labels)
        bare = _bare(described.container, labels)
        if bare.id == self._own_id:
            return bare
        by = Origin("label", "com.docker.swarm.service.name" if bare.service else "com.docker.compose.service")
        policy = self.rules.policy
        default, faults = policy.default_of(bare.name, service(labels), by)
        asked, variables = policy.asked(described.labels, described.environment)
        asking = Asking(bare.id, bare.name, bare.image, asked, variables, default)
        wanted = policy.settings(
            asking, select=self._select, target_of=lambda name: self._target_of(StreamKey(bare.id, name))
        )
        if wanted.excluded_by is not None:
            return replace(bare, settings=settings((), wanted.faults, wanted.excluded_by))
        entries, driver_problem = _readable(wanted.entries, bare.driver)
        if driver_problem and not entries:
            return replace(bare, problem=driver_problem, problem_kind="driver")
        settled = self._settled(bare.id, entries, bounded(default))
        told = [*wanted.told(SOURCE), *(fault.reason for fault in settled.faults)]
        streams = [
            self._stream(bare, described, entry, self.fields(bare.name, entry.target, labels) | self._more(entry))
            for entry in settled.entries
        ]
        if streams:
            self._tell_cut(described.container, labels, entries)
        made = replace(
            bare,
            problem="; ".join([*filter(None, [driver_problem]), *told]),
            problem_kind="driver" if driver_problem else "label" if told else "",
            settings=settings(settled.entries, [*wanted.faults, *faults, *settled.faults]),
            streams=tuple(stream for stream in streams if stream.source == STDOUT),
            targets=tuple(stream.target for stream in streams if stream.target != bounded(default)),
        )
        return self._files(Wanted(made, _wishes(settled.entries, streams), described.mounts))

    def _more(self, entry: Entry) -> dict[str, str]:
        """The members that an entry asks for, without their secrets where it loses them."""
        redact = self.rules.redaction.redactor(entry.reading.redact)
        return {name: bounded(redact.member(name, value) if redact else value) for name, value in entry.fields.items()}

    def fields(self, name: str, target: str, labels: Mapping[str, str]) -> dict[str, str]:
        """The trusted members of a container's documents, each of a bounded size: `LogStream.fields`."""
        found = {
            "host": self.host,
            "@target": target,
            "docker_container": name,
            **trusted_fields(labels),
        }
        return {member: bounded(value) for member, value in found.items()}

    def _tell_cut(self, container: Container, labels: Mapping[str, str], entries: Sequence[Entry]) -> None:
        members = [("docker_container", container.name), *trusted_fields(labels).items()]
        members += [("@target", entry.target) for entry in entries]
        cut = sorted({member for member, value in members if is_cut(value)})
        if cut and container.id not in self._told and self._share.has(container.id):
            if len(self._told) >= _TOLD:
                self._told.clear()
            self._told.add(container.id)
            log.warning(
                "long names truncated in the documents and series of a container",
                container=container.name[:80],
                members=cut,
                max_bytes=MOST_BYTES,
                remedy="use shorter names and label values for this container",
            )

    def _settled(self, container_id: str, entries: Sequence[Entry], default: str) -> "_Settled":
        """The entries with the targets that they get. One that gets no target of its own has the default's lines."""
        found: dict[tuple[str, str], Entry] = {}
        refused = []
        for entry in entries:
            is_known = entry.has_asked_target and self._target_of(StreamKey(container_id, entry.name)) == entry.target
            target = entry.target if is_known else bounded(entry.target)
            if not is_known and target != default and not self._has_room(target, {one for one, _ in found}):
                refused.append(replace(entry, target=target))
                target = default
            found.setdefault((target, entry.source), replace(entry, target=target))
        faults: list[Fault] = []
        if refused:
            reason = (f"max_targets is reached: {len(refused)} of its targets ({refused[0].target[:80]}) are not used, "
                      f"their lines go to {default[:80]}; raise max_targets, or use fewer targets")  # fmt: skip
            faults = [Fault(refused[0].name, "target", refused[0].origins.get("target", DEFAULT), reason)]
        return _Settled(list(found.values()), faults)

    def _stream(self, container: Container, described: Described, entry: Entry, fields: Mapping[str, str]) -> LogStream:
        is_log = entry.source == STDOUT  # else a file: who else writes it goes on when the container has stopped
        return LogStream(
            container_id=container.id,
            container=container.name,
            entry=entry.name,
            target=entry.target,
            source=entry.source,
            reading=entry.reading._replace(redactor=self.rules.redaction.of(entry.reading.redact)),
            path=described.path,
            running=container.is_running or not is_log,
            has_run=container.state != "created" and is_log,
            files_kept=described.files_kept if is_log else 0,
            fields=fields,
            outputs=entry.outputs,
            labels=self.rules.policy.kept(described.labels),
        )


def _bare(found: Container, labels: Mapping[str, str]) -> Container:
    """The container without streams; each text is of a bounded size."""
    return replace(
        found,
        name=bounded(found.name),
        image=bounded(found.image),
        compose_project=bounded(labels.get("com.docker.compose.project", "")),
        compose_service=bounded(labels.get("com.docker.compose.service", "")),
        stack=bounded(labels.get("com.docker.stack.namespace", "")),
        service=bounded(labels.get("com.docker.swarm.service.name", "")),
        task=bounded(labels.get("com.docker.swarm.task.name", "")),
    )


def _readable(entries: Sequence[Entry], driver: str) -> tuple[Sequence[Entry], str]:
    """Those that can be followed whatever the log driver, and what is wrong with that if others cannot."""
    if driver == json_file.DRIVER:
        return entries, ""
    files = [entry for entry in entries if entry.source != STDOUT]
    if len(files) == len(entries):
        return files, ""
    return files, f"its log driver is {driver!r}: only json-file logs can be followed"


def _wishes(entries: Sequence[Entry], streams: Sequence[LogStream]) -> list[Wish]:
    """The streams of entries that are files, with who asks for them."""
    both = zip(entries, streams, strict=True)
    return [Wish(stream, entry.origins.get(SOURCE, DEFAULT)) for entry, stream in both if stream.source != STDOUT]


class _Settled(NamedTuple):
    """Entries with the targets that they get, and what was not to be had."""

    entries: list[Entry]
    faults: list[Fault]
