"""Files that options name are read as people write them; tests of the options' users tell of what is refused."""

from pathlib import Path

import pytest
import trustme

from collector.errors import ConfigurationError
from collector.net import remote


@pytest.mark.parametrize("comment", ["# Főtanúsítvány".encode(), "# Autorité".encode("latin-1"), b""])
def test_the_comments_of_a_bundle_may_be_in_any_encoding(tmp_path: Path, comment: bytes) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(comment + b"\n" + trustme.CA().cert_pem.bytes())
    assert len(remote.trusting(file, "ca_file").get_ca_certs()) == 1


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://es:9200", ""),
        ("https://[::1]:9200/behind/a/proxy", ""),
        ("http://es/?pretty", "has a query"),
        ("http://es..example", "host name with an empty label"),
        ("http://user:h1dden@es", "contains credentials"),
        ("http://:9200", "is not a URL such as http://usual"),
        ("es:9200", "is not a URL such as http://usual"),
        ("http://es:0", "is not a URL such as http://usual"),
        ("http://es:a", "is not a URL such as http://usual"),
        ("http://elastic:h1dden", "is not a URL such as http://usual"),
        ("http://[h1dden", "is not a URL such as http://usual"),
    ],
)
def test_what_is_wrong_with_an_address_is_told(url: str, words: str) -> None:
    told = remote.fault_of(url, "http://usual")
    assert words in told
    assert bool(words) == bool(told)
    assert "h1dden" not in told


def test_a_secret_that_is_no_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="password is not text: write it in UTF-8"):
        remote.secret(b"h1dden\xff".decode("utf-8", "surrogateescape"), "password")
    (tmp_path / "file").write_bytes(b"h1dden\xff")
    with pytest.raises(ConfigurationError, match=f"^password_file: {tmp_path}/file is not text: "):
        remote.secret(tmp_path / "file", "password_file")


def test_a_file_that_cannot_be_read_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"\(Is a directory\): name a file \(Docker creates a directory"):
        remote.secret(tmp_path, "password_file")
    with pytest.raises(ConfigurationError, match=r"\(No such file or directory\): mount the file"):
        remote.secret(tmp_path / "none", "password_file")
