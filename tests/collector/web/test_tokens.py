"""`collector.web.tokens`: a token is known again, and cannot be read from what is kept."""

import stat
import time
from pathlib import Path

import pytest
from msgspec import json

from collector.errors import QueryError, StateError
from collector.web import tokens
from collector.web.tokens import Tokens


def made(state: Path, **changes: object) -> tuple[str, tokens.Token]:
    said: dict[str, object] = {"role": "view", "filter_text": "", "seconds": None, "name": "", **changes}
    return tokens.create(state, **said)  # type: ignore[arg-type]


def test_the_file_has_no_token_and_only_its_user_reads_it(tmp_path: Path) -> None:
    text, kept = made(tmp_path, name="phone", filter_text="target:shop", seconds=60.0, role="download")
    file = tmp_path / "tokens"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert text not in file.read_text()
    assert text.rpartition("_")[2] not in file.read_text()
    assert tokens.read(tmp_path) == [kept]
    assert kept.expires is not None
    assert 50 < kept.expires - time.time() <= 60


def test_only_the_whole_token_is_known_again(tmp_path: Path) -> None:
    text, kept = made(tmp_path)
    looked = Tokens(tmp_path)
    assert looked.of(text) == kept
    for wrong in ("", "pf_", text[:-1], f"{text}x", f"pf_{kept.id}_", f"pf_{kept.id}_{kept.digest}", "ü" * 40):
        assert looked.of(wrong) is None


def test_a_change_of_the_file_counts_from_the_next_look_on(tmp_path: Path) -> None:
    looked = Tokens(tmp_path)
    first, kept = made(tmp_path)
    assert looked.of(first) == kept
    second, other = made(tmp_path)
    assert looked.of(second) == other
    assert tokens.revoke(tmp_path, kept.id) == kept
    assert (looked.of(first), looked.of(second)) == (None, other)
    assert tokens.revoke(tmp_path, kept.id) is None


def test_a_name_that_two_have_revokes_none(tmp_path: Path) -> None:
    made(tmp_path, name="a")
    made(tmp_path, name="a")
    assert tokens.revoke(tmp_path, "a") is None
    assert tokens.revoke(tmp_path, "") is None
    assert len(tokens.read(tmp_path)) == 2


def test_a_damaged_file_opens_nothing_and_is_told(tmp_path: Path) -> None:
    text, _ = made(tmp_path)
    looked = Tokens(tmp_path)
    (tmp_path / "tokens").write_text("[{")
    assert looked.of(text) is None
    with pytest.raises(StateError, match="cannot be used"):
        tokens.read(tmp_path)


def test_a_filter_that_is_none_makes_no_token(tmp_path: Path) -> None:
    with pytest.raises(QueryError):
        made(tmp_path, filter_text="level:error")
    assert not (tmp_path / "tokens").exists()


def test_expired_tokens_make_room(tmp_path: Path) -> None:
    made(tmp_path, seconds=-1.0)
    _, kept = made(tmp_path)
    assert tokens.read(tmp_path) == [kept]


def test_tokens_are_bounded(tmp_path: Path) -> None:
    _, kept = made(tmp_path)
    (tmp_path / "tokens").write_bytes(json.encode([kept] * tokens.MOST))
    with pytest.raises(StateError, match="there are 256 tokens already"):
        made(tmp_path)
