"""Each form of an address that the docker command takes leads where it leads there, or is told what to write."""

import re
from pathlib import Path

import pytest
import yarl

from collector.docker.address import PATTERN, canonical, endpoint

HERE = str(Path.cwd())

LEADS = [  # address, without TLS, with TLS
    ("tcp://127.0.0.1", "http://127.0.0.1:2375", "https://127.0.0.1:2376"),
    ("tcp://127.0.0.1:4243", "http://127.0.0.1:4243", "https://127.0.0.1:4243"),
    ("127.0.0.1", "http://127.0.0.1:2375", "https://127.0.0.1:2376"),
    ("127.0.0.1:4243", "http://127.0.0.1:4243", "https://127.0.0.1:4243"),
    ("docker.example", "http://docker.example:2375", "https://docker.example:2376"),
    ("Docker.Example:1", "http://docker.example:1", "https://docker.example:1"),
    (" tcp://d:1\n", "http://d:1", "https://d:1"),
    ("tcp://", "http://localhost:2375", "https://localhost:2376"),
    ("tcp://:4243", "http://localhost:4243", "https://localhost:4243"),
    (":4243", "http://localhost:4243", "https://localhost:4243"),
    ("tcp://d:", "http://d:2375", "https://d:2376"),
    ("tcp://d/", "http://d:2375", "https://d:2376"),
    ("tcp://d:1/", "http://d:1", "https://d:1"),
    ("tcp://d:1/docker/", "http://d:1/docker", "https://d:1/docker"),
    ("d/docker", "http://d:2375/docker", "https://d:2376/docker"),
    ("tcp://[::1]", "http://[::1]:2375", "https://[::1]:2376"),
    ("tcp://[::1]:4243", "http://[::1]:4243", "https://[::1]:4243"),
    ("[::1]:4243", "http://[::1]:4243", "https://[::1]:4243"),
    ("tcp://::1", "http://[::1]:2375", "https://[::1]:2376"),
    ("tcp://me:p%40ss@d", "http://me:p%40ss@d:2375", "https://me:p%40ss@d:2376"),
    ("http://d", "http://d", "https://d"),
    ("http://d:1/docker/", "http://d:1/docker", "https://d:1/docker"),
    ("https://d", "https://d", "https://d"),
    ("https://[::1]:2376/", "https://[::1]:2376", "https://[::1]:2376"),
]
SOCKETS = [
    ("", "/var/run/docker.sock"),
    (" ", "/var/run/docker.sock"),
    ("unix://", "/var/run/docker.sock"),
    ("unix:///run/user/1000/docker.sock", "/run/user/1000/docker.sock"),
    ("unix://docker.sock", f"{HERE}/docker.sock"),
    ("unix:///run/docker@1.sock", "/run/docker@1.sock"),
    ("unix://./a b/docker.sock", f"{HERE}/a b/docker.sock"),
]
REFUSED = [
    ("/var/run/docker.sock", "has no scheme; put unix:// before it"),
    ("ssh://me@there", "uses ssh, which is not supported; "),
    ("npipe:////./pipe/docker_engine", "is a named pipe of Windows; "),
    ("fd://", "is the socket that systemd passes to dockerd"),
    ("unix://@docker", "is an abstract socket (unix(7))"),
    ("fd://3", "is the socket that systemd passes to dockerd"),
    ("unix:///run/docker\0.sock", "contains a NUL character, which is not allowed in a path; "),
    (
        "unix:///run/" + "a" * 103,
        "is a path of 108 bytes, too long for a socket; use one of at most 107, such as a symbolic link",
    ),
    ("TCP://d:1", "is not the address of a daemon; "),
    ("ftp://d", "is not the address of a daemon; "),
    ("unix:/var/run/docker.sock", "has a scheme without //; "),
    ("tcp:d:1", "has a scheme without //; "),
    ("tcp://d:0", "has an invalid port or address; "),
    ("tcp://d:65536", "has an invalid port or address; "),
    ("tcp://d:docker", "has an invalid port or address; "),
    ("tcp://d:1:2", "has an invalid port or address; "),
    ("tcp://[::1", "has an invalid port or address; "),
    ("tcp://[d]:1", "has an invalid port or address; "),
    ("tcp://d:1?a=b", "contains a space, a ? or a #; "),
    ("tcp://d:1#a", "contains a space, a ? or a #; "),
    ("tcp://d e:1", "contains a space, a ? or a #; "),
    ("tcp://d\x00:1", "contains a space, a ? or a #; "),
    ("http://", "has no host; "),
    ("https://:1", "has no host; "),
    ("://", "is not the address of a daemon; "),
]


@pytest.mark.parametrize(("text", "plain", "safe"), LEADS)
def test_an_address_leads_where_the_docker_command_goes(text: str, plain: str, safe: str) -> None:
    told = canonical(text)
    assert (endpoint(told, is_tls=False).base, endpoint(told, is_tls=True).base) == (plain, safe)
    assert canonical(told) == told
    assert re.search(PATTERN, text)
    assert yarl.URL(plain).port


@pytest.mark.parametrize(("text", "path"), SOCKETS)
def test_a_socket_is_found_where_the_docker_command_finds_it(text: str, path: str) -> None:
    told = canonical(text)
    assert endpoint(told, is_tls=True) == (f"unix://{path}", "http://localhost", path)
    assert canonical(told) == told
    assert re.search(PATTERN, text)


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_what_is_no_address_is_told_with_what_to_write(text: str, words: str) -> None:
    with pytest.raises(ValueError, match="; ") as told:
        canonical(text)
    assert words in str(told.value)


def test_an_address_is_shown_with_the_port_that_is_asked() -> None:
    assert endpoint(canonical("tcp://d"), is_tls=False).url == "tcp://d:2375"
    assert endpoint(canonical("d"), is_tls=True).url == "tcp://d:2376"
