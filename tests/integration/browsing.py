"""A real agent with logs of every kind, and a real browser that looks at its page."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct
from playwright.sync_api import Browser, Page, ViewportSize, expect

from collector.demo.traffic import Traffic
from tests.integration.agent import AgentProcess, running
from tests.integration.log_tree import LogTree

expect.set_options(timeout=20_000)  # milliseconds: other tests run beside these

HISTORY_LINES = 3000
HOSTILE = (
    "<img src=x onerror=\"document.title='owned'\">",
    "<script>document.title='owned'</script>",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07",
    "left \u202egnp.exe\u202c right",
    "'\"><svg/onload=document.title='owned'>",
    "x" * 200_000,
)


class Site(Struct):
    """An agent with its logs; `traffic` can write more."""

    agent: AgentProcess
    tree: LogTree
    traffic: Traffic

    @property
    def link(self) -> str:
        """The address that begins a session."""
        token = (self.agent.state / "http_token").read_text().strip()
        return f"http://{self.agent.address}/?token={token}"

    def view(self, path: str = "") -> str:
        """The address of a view, for who has a session."""
        return f"http://{self.agent.address}/?lang=en#/{path}"

    def say(self, log: Path, *lines: str) -> None:
        """Append lines to a container's log, now."""
        with log.open("ab") as file:
            for line in lines:
                now = time.time_ns()
                when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now // 10**9)) + f".{now % 10**9:09d}Z"
                file.write(json.dumps({"log": f"{line}\n", "stream": "stdout", "time": when}).encode() + b"\n")


@contextmanager
def site(directory: Path) -> Iterator[Site]:
    """The agent with an hour of logs in its store."""
    tree = LogTree(directory / "logs")
    traffic = Traffic(tree.root, seed=4711, started=time.time_ns())
    traffic.history(HISTORY_LINES)
    configuration: dict[str, Any] = {
        "host": "host-1",
        "inputs": {"directory": {"path": str(tree.root)}},
        "outputs": {"local": {"type": "store"}},
    }
    try:
        with running(directory, configuration) as agent:
            yield Site(agent, tree, traffic)
    finally:
        traffic.close()


class Watched(Struct):
    """A page, and what its browser found wrong with it."""

    page: Page
    wrong: list[str]


@contextmanager
def looking(
    browser: Browser, site: Site, *, width: int = 1280, height: int = 800, dark: bool = False
) -> Iterator[Watched]:
    """A page with a session of its own; at the end nothing was wrong: no error, nothing that the policy refused."""
    size = ViewportSize(width=width, height=height)
    context = browser.new_context(viewport=size, color_scheme="dark" if dark else "light", locale="en-US")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    context.add_init_script(
        "addEventListener('securitypolicyviolation',"
        " (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`))"
    )
    page = context.new_page()
    watched = Watched(page, [])
    page.on("console", lambda said: watched.wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: watched.wrong.append(str(error)))
    page.on("dialog", lambda dialog: watched.wrong.append(f"dialog: {dialog.message}"))
    try:
        page.goto(site.link)
        page.goto(site.view("logs"))
        yield watched
        assert watched.wrong == []
    finally:
        context.close()
