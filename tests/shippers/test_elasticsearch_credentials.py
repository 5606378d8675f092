"""Credentials that change on a real server: the shipper goes on with what is in the file, and is not opened again."""

import asyncio
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha1
from pathlib import Path

import pytest

from collector.errors import Unauthorized
from collector.ports import OutputContext
from shippers.elasticsearch import ElasticsearchShipper
from tests.contract.segments import batch, plain_segment
from tests.contract.shippers import deliver
from tests.engines.search_server import SearchServer
from tests.shippers.test_elasticsearch import empty, settings_for


@contextmanager
def user(server: SearchServer) -> Iterator[Callable[[str], None]]:
    """A user of the server's file realm, who is given passwords; the server looks at its files every few seconds."""
    config = server.directory / "home/config"
    files = {path: path.read_text() for path in (config / "users", config / "users_roles")}

    def give(password: str) -> None:
        hashed = b64encode(sha1(password.encode()).digest()).decode()  # noqa: S324 - one of those that the realm takes
        rewrite(config / "users", f"{files[config / 'users']}agent:{{SHA}}{hashed}\n")

    roles = files[config / "users_roles"].replace("superuser:", "superuser:agent,", 1)
    rewrite(config / "users_roles", roles)
    try:
        yield give
    finally:
        for path, text in files.items():
            rewrite(path, text)


def rewrite(path: Path, text: str) -> None:
    """Keep who owns it: the server is another user."""
    with path.open("r+") as file:
        file.truncate()
        file.write(text)


async def wait_until(shipper: ElasticsearchShipper, *, is_accepted: bool) -> None:
    """Return when the server has looked at its files."""
    async with asyncio.timeout(60):
        while await accepts(shipper) != is_accepted:  # noqa: ASYNC110 - the server sets no event
            await asyncio.sleep(0.5)


async def accepts(shipper: ElasticsearchShipper) -> bool:
    try:
        await shipper.probe()
    except Unauthorized:
        return False
    return True


async def test_a_password_that_is_replaced_is_used_once_it_is_in_the_file(
    elasticsearch_7: SearchServer, site: OutputContext, tmp_path: Path
) -> None:
    empty(elasticsearch_7)
    file = tmp_path / "password"
    file.write_text("the-first-one")
    with user(elasticsearch_7) as give:
        give("the-first-one")
        shipper = settings_for(elasticsearch_7, username="agent", password=None, password_file=file).open(site)
        try:
            await wait_until(shipper, is_accepted=True)
            assert (await deliver(shipper, batch(plain_segment(5)))).delivered == 5
            give("the-second-one")
            await wait_until(shipper, is_accepted=False)
            with pytest.raises(Unauthorized, match=r"the user 'agent' \(401\): correct username or password_file"):
                await shipper.ship(batch(plain_segment(9)))
            other = tmp_path / "other"
            other.write_text("the-second-one\n")
            other.rename(file)
            assert (await deliver(shipper, batch(plain_segment(9)))).delivered == 4
        finally:
            await shipper.aclose()
