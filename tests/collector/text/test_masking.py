"""No user and no password of a URL is shown, however they are written."""

import pytest

from collector.text.masking import mask_url


@pytest.mark.parametrize("secret", ["u:sekret", "sekret", "u:p@sekret", "u:p/sekret", "u:p@/@sekret", ":sekret"])
@pytest.mark.parametrize("text", ["tcp://{}@host:2375", "http://{}@[::1]:9323/metrics is away (see http://{}@host)"])
def test_no_part_of_it_is_shown(text: str, secret: str) -> None:
    shown = mask_url(text.format(secret, secret))
    assert "sekret" not in shown
    assert shown.startswith(text[:6])
    assert "host" in shown


@pytest.mark.parametrize(
    "text", ["http://host:1/m?token=sekret", "(http://host/?sekret) is away", "http://host?a=sekret: x"]
)
def test_what_a_url_asks_for_is_not_shown(text: str) -> None:
    shown = mask_url(text)
    assert "sekret" not in shown
    assert "://host" in shown


@pytest.mark.parametrize(
    "text",
    [
        "unix:///var/run/docker.sock",
        "unix:///run/d@1.sock",
        "unix://@docker",
        "http://host:1/metrics",
        "someone@example",
        "a b",
        "is it up?",
    ],
)
def test_what_holds_none_is_shown_as_it_is(text: str) -> None:
    assert mask_url(text) == text
