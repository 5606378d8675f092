"""Configuration → its outputs whose destinations hold objects of ours, set up or written as files.

Each output is set up with its own settings; what its destination needs is the shipper's own matter.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

from msgspec.structs import replace

from collector.config.models import Configuration
from collector.errors import UsageError
from collector.files.writing import write
from collector.net.waiting import Tell
from collector.ports import OutputContext, Preparable, Setup, SetupFile, SetupStep, ShipperSettings
from collector.state import places


async def set_up(
    configuration: Configuration, setup: Setup, tell: Tell, *, kind: str, output: str | None
) -> AsyncIterator[SetupStep]:
    """Set up the destinations of the outputs of a kind, or of the one named; gives what became of each object.

    Of several outputs each step's subject begins with the output's name. `tell` is given what is waited for.

    Raises:
        UsageError: there is no such output, or `setup` asks for what it cannot have.
        ConfigurationError: a file that its options name cannot be read.
    """
    several = len(_of_kind(configuration, kind)) > 1
    for name, settings in _chosen(configuration, kind, output).items():
        async for step in settings.set_up(
            OutputContext(name, configuration.state_dir / places.OUTPUTS / name), setup, tell
        ):
            yield replace(step, subject=f"{name}: {step.subject}") if several else step


def export(
    directory: Path, settings: Preparable, setup: Setup, *, server: str | None
) -> Iterator[tuple[SetupFile, Path]]:
    """Write what `set_up` would send to a server of this kind (None: the usual) below `directory`.

    Raises:
        UsageError: `setup` asks for what such an output or server cannot have.
        PilotfishError: a file cannot be written.
    """
    for file in settings.setup_files(setup, server or settings.servers()[0]):
        path = directory / file.path
        write(path, file.body + b"\n")
        yield file, path


def exportable(
    configuration: Configuration, types: Mapping[str, type[ShipperSettings]], *, kind: str, output: str | None
) -> Preparable:
    """The output whose objects are written; the defaults of its kind if the configuration has none.

    Raises:
        UsageError: there is no such output, or there are several.
    """
    if output is None and not _of_kind(configuration, kind):
        settings = types[kind]
        if issubclass(settings, Preparable):
            return settings.example()
    chosen = _chosen(configuration, kind, output)
    if len(chosen) > 1:
        raise UsageError(f"there are several outputs of type {kind}", f"give --output, one of {', '.join(chosen)}")
    return next(iter(chosen.values()))


def _of_kind(configuration: Configuration, kind: str) -> dict[str, Preparable]:
    return {
        name: settings
        for name, settings in configuration.outputs.items()
        if settings.type == kind and isinstance(settings, Preparable)
    }


def _chosen(configuration: Configuration, kind: str, output: str | None) -> dict[str, Preparable]:
    found = _of_kind(configuration, kind)
    if not found:
        raise UsageError(
            f"the configuration has no output of type {kind}", "pass the configuration file of `pilotfish run` with -c"
        )
    if output is None:
        return found
    if output not in found:
        raise UsageError(f"--output: {output} is not an output of type {kind}", f"use one of {', '.join(found)}")
    return {output: found[output]}
