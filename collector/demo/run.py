"""A demo: containers are made up, an agent follows them into its own store, and both are compared at the end."""

import asyncio
import shutil
import signal
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from tempfile import mkdtemp

from msgspec import Struct

from collector.app.agent import Agent
from collector.app.plugins import installed_types
from collector.config.models import Configuration, Http
from collector.demo import books, log_file
from collector.demo.books import Tally
from collector.demo.console import Display
from collector.demo.hints import hints
from collector.demo.traffic import Traffic
from collector.demo.view import Spectator, View
from collector.errors import PilotfishError, StateError, StateInUse
from collector.ports import OutputContext, Searchable
from collector.runtime import signals
from collector.state import places
from collector.state.directory import locked

OUTPUT = "local"
_MOST_UNREAD_LINES = 5000  # well below what the log that rotates keeps
_NO_PROGRESS_SECONDS = 10.0


class Options(Struct, frozen=True, kw_only=True):
    """What a demo is asked for; `environ` tells where state is kept, `keep` to keep what earlier demos stored."""

    environ: Mapping[str, str]
    rate: float = 20.0
    duration_seconds: float | None = None
    keep: bool = False
    history_lines: int = 30_000
    seed: int = 4711


async def run(options: Options) -> None:
    """Run a demo until its time is over or it is told to stop (SIGTERM, Ctrl-C).

    Raises:
        StateError: another demo is running, or its state cannot be kept.
        ConfigurationError: the environment names no address to listen on.
        PilotfishError: the address is taken, or what was written is not what was delivered.
    """
    state = places.demo_state_dir(options.environ)
    display = Display()
    address = _listen(options.environ)
    _empty(state, keep=options.keep)
    tree = Path(mkdtemp(prefix="logs-", dir=state))
    started = time.time_ns()
    with (
        log_file.kept_in(state / "agent.log") as warnings,
        closing(Traffic(tree, seed=options.seed, started=started)) as traffic,
    ):
        lines = f"{options.history_lines:,} lines of the last hour"
        display.say(f"Pilotfish demo: {len(traffic.logs)} containers, {lines}", "bold")
        told = asyncio.Event()
        signals.handle(lambda _: told.set(), None)
        traffic.history(options.history_lines)
        configuration = _configuration(state, tree, address)
        before = await _stored(configuration) if options.keep else {}
        agent = Agent(configuration)
        agent.live = spectator = Spectator()
        async with _running(agent):
            _invite(display, state)
            _suggest(display, state, options.environ)
            await _live(traffic, View(agent, spectator, traffic, warnings), display, options, told)
    display.say("comparing the store with the written lines ...")
    reasons = await _compared(configuration, traffic, before)
    display.say(_written(traffic, seconds=(time.time_ns() - started) / 1e9))
    _summarize(display, state, tree, reasons)


# ------------------------------------------------------------------ before


def _empty(state: Path, *, keep: bool) -> None:
    """Remove what earlier demos left, all of it or (`keep`) all but the store.

    Raises:
        StateError: another demo is running, or the directory cannot be used.
    """
    try:
        with locked(state):
            kept = {"lock", "outputs"} if keep else {"lock"}
            for path in [one for one in state.iterdir() if one.name not in kept]:
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
    except StateInUse as error:
        remedy = "stop it there with Ctrl-C, or watch it with `pilotfish tail`"
        raise StateInUse(f"another demo is running: {error.cause}", remedy) from None
    except StateError as error:
        raise StateError(error.cause, "set XDG_STATE_HOME to a directory that you can write to") from None
    except OSError as error:
        raise StateError(f"{state} cannot be emptied ({error.strerror})", "remove it by hand") from None


def _configuration(state: Path, tree: Path, address: places.Address | None) -> Configuration:
    """What `pilotfish run` would be told in a file; of the machine's own configuration only `http.listen` counts."""
    types = installed_types()
    return Configuration(
        host=socket.gethostname(),
        state_dir=state,
        inputs={"directory": types.inputs["directory"].model_validate({"path": tree})},
        outputs={OUTPUT: types.outputs["store"](type="store")},
        http=Http(listen=None if address is None else str(address)),
    )


def _listen(environ: Mapping[str, str]) -> places.Address | None:
    """The address that the environment names; else the usual one, or any free port when that one is taken.

    Raises:
        ConfigurationError: the environment names none.
    """
    if chosen := environ.get(places.LISTEN_VARIABLE):
        return places.listening(chosen)
    usual = places.address(places.LISTEN)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(usual)
        except OSError:
            return usual._replace(port=0)
    return usual


def _invite(display: Display, state: Path) -> None:
    """Say where the page is: a link that begins a session, if the port is on. The token is of this demo alone."""
    try:
        address = places.address((state / places.ADDRESS_FILE).read_text("ascii"))
        token = (state / places.TOKEN_FILE).read_text("ascii").strip()
    except FileNotFoundError:
        return
    display.say(f"Open http://{address.reachable}/?token={token}", "bold")


def _suggest(display: Display, state: Path, environ: Mapping[str, str]) -> None:
    """Say what to type in another terminal, with the address that the agent has."""
    try:
        address = places.address((state / places.ADDRESS_FILE).read_text("ascii"))
    except FileNotFoundError:
        display.say(f"HTTP is off ({places.LISTEN_VARIABLE}): no search, no tail and no /metrics while the demo runs")
        return
    if not environ.get(places.LISTEN_VARIABLE) and str(address) != places.LISTEN:
        display.say(f"Another program uses {places.LISTEN}: the demo listens on {address} instead; set "
                    f"{places.LISTEN_VARIABLE}=127.0.0.1:9881 to choose a port")  # fmt: skip
    display.suggest(hints(state, address, environ))


# ------------------------------------------------------------------ while it runs


@asynccontextmanager
async def _running(agent: Agent) -> AsyncIterator[None]:
    """Run the agent while the context lasts, from when it is ready until it has delivered what it has read."""
    ready = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(agent.run(ready.set), name="agent")
        await ready.wait()
        yield
        agent.stop()


async def _live(traffic: Traffic, view: View, display: Display, options: Options, told: asyncio.Event) -> None:
    """Let lines come until it is over or `told` to end, then wait until they are delivered."""
    async with asyncio.TaskGroup() as tasks:
        shown = tasks.create_task(display.show(view), name="display")
        flow = traffic.flow(options.rate, room=lambda: _MOST_UNREAD_LINES - view.unread)
        written = tasks.create_task(flow, name="traffic")
        watched = tasks.create_task(view.watch(), name="view")
        await _over(told, options.duration_seconds)
        written.cancel()
        await _settled(view, traffic)
        shown.cancel()
        watched.cancel()


async def _over(told: asyncio.Event, seconds: float | None) -> None:
    """Wait for a signal that stops, or the time; a second SIGTERM or SIGINT then ends it at once."""
    loop = asyncio.get_running_loop()
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await told.wait()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def _settled(view: View, traffic: Traffic) -> None:
    """Wait until all lines are delivered, or nothing has moved for some time."""
    settled, since = view.settled, time.monotonic()
    while settled < traffic.lines and time.monotonic() - since < _NO_PROGRESS_SECONDS:
        await asyncio.sleep(0.05)
        if view.settled != settled:
            settled, since = view.settled, time.monotonic()


# ------------------------------------------------------------------ after


async def _stored(configuration: Configuration) -> dict[str, Tally]:
    """What the store holds while no agent has it."""
    directory = configuration.state_dir / places.OUTPUTS / OUTPUT
    store = configuration.outputs[OUTPUT].open(OutputContext(OUTPUT, directory))
    assert isinstance(store, Searchable)  # noqa: S101 - of type store
    try:
        return await books.stored(store)
    finally:
        await store.aclose()


async def _compared(configuration: Configuration, traffic: Traffic, before: dict[str, Tally]) -> list[str]:
    wanted = before
    for log in traffic.logs:
        wanted.setdefault(log.container.name, Tally()).merge(log.tally)
    return books.differences(wanted, await _stored(configuration))


def _written(traffic: Traffic, *, seconds: float) -> str:
    size = sum(log.bytes for log in traffic.logs) / (1 << 20)
    rotations = sum(log.rotated for log in traffic.logs)
    return f"{traffic.lines:,} lines written in {seconds:.0f} s ({size:.1f} MB of logs, {rotations} rotations)"


def _summarize(display: Display, state: Path, tree: Path, reasons: list[str]) -> None:
    """Tell whether it went well, and what is left.

    Raises:
        PilotfishError: what was written is not what was delivered.
    """
    display.say(f"delivered exactly once: {'no' if reasons else 'yes, each document in the store was compared'}")
    display.say(f"logs:  {tree}")
    display.say(f"store: {state / 'outputs' / OUTPUT}")
    display.say("the next demo removes both; `pilotfish demo --keep` keeps the store")
    if reasons:
        remedy = f"{state / 'agent.log'} may show the reason"
        raise PilotfishError(f"delivered documents differ from written lines: {'; '.join(reasons)}", remedy)
