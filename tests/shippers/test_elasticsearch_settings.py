from base64 import b64encode
from pathlib import Path

import pytest
import trustme
from pydantic import ValidationError

from collector.errors import ConfigurationError
from collector.ports import OutputContext
from shippers.elasticsearch import Settings
from tests.faults.bulk_endpoint import BulkEndpoint

SECRET = "s3cret-in-a-test"
HOST = "http://elasticsearch:9200"


def settings(**options: object) -> Settings:
    return Settings.model_validate({"type": "elasticsearch", "hosts": [HOST], **options})


@pytest.mark.parametrize(
    "host",
    [
        "elasticsearch",
        "elasticsearch:9200",
        "http://",
        "ftp://x",
        "http://a b",
        "http://x:99999",
        "http://x?y=1",
        "http://[::1",
        "",
    ],
)
def test_a_malformed_host_is_refused_by_its_number_and_with_an_example(host: str) -> None:
    with pytest.raises(ValidationError, match=r"host 2 .*(http://elasticsearch:9200|query)"):
        settings(hosts=[HOST, host])


@pytest.mark.parametrize("name", ["es..internal", ".es", "x" * 64, "größe..example"])
def test_a_host_whose_name_cannot_be_looked_up_is_refused_with_an_example(name: str) -> None:
    with pytest.raises(ValidationError, match=r"host 2 .*an empty label or one over 63 characters: .*es\.example"):
        settings(hosts=[HOST, f"http://{name}:9200"])


@pytest.mark.parametrize("name", ["es.internal.", "größe.example", "x" * 63, "[fe80::1%25eth0]", "127.0.0.1", "a_b-c"])
def test_a_host_whose_name_can_be_looked_up_is_taken(name: str) -> None:
    assert settings(hosts=f"http://{name}:9200").hosts == (f"http://{name}:9200",)


def test_a_host_that_holds_credentials_is_refused_without_repeating_them() -> None:
    with pytest.raises(ValidationError, match="set username and password file") as caught:
        settings(hosts=[f"http://elastic:{SECRET}@x:9200"])
    assert SECRET not in str(caught.value)


def test_hosts_may_be_one_text_and_name_a_node_once() -> None:
    assert settings(hosts=f"{HOST},{HOST}/ https://other").hosts == (HOST, "https://other")


@pytest.mark.parametrize(
    "index", ["", "Logs", "logs-%H", "{app}", "-x", "_x", "a b", "logs/%Y", "%", "x" * 60 + "{target}"]
)
def test_an_index_that_could_not_be_is_refused(index: str) -> None:
    with pytest.raises(ValidationError, match="index"):
        settings(index=index)


@pytest.mark.parametrize("index", ["{target}-%Y.%m.%d", "logs", "logs-{target}-%G.%V", "%j-{target}", "x_{target}.%Y"])
def test_an_index_of_a_day_a_week_or_none_is_taken(index: str) -> None:
    assert settings(index=index).index == index


@pytest.mark.parametrize(
    "options",
    [
        {"username": "elastic"},
        {"password": SECRET},
        {"username": "elastic", "password": SECRET, "password_file": "/x"},
        {"api_key": SECRET, "api_key_file": "/x"},
        {"username": "elastic", "password": SECRET, "api_key": SECRET},
        {"client_key_file": "/x"},
        {"ca_file": "/x", "verify": False},
    ],
)
def test_options_that_contradict_each_other_are_refused_without_a_secret(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=r"exclude|together|needs|no effect") as caught:
        settings(**options)
    assert SECRET not in str(caught.value)


def test_secrets_stand_in_no_representation(site: OutputContext) -> None:
    given = settings(username="elastic", password=SECRET)
    assert SECRET not in f"{given!r} {given} {given.model_dump_json()} {given.open(site)!r}"


@pytest.mark.parametrize("option", ["password_file", "api_key_file", "ca_file", "client_cert_file", "client_key_file"])
def test_a_file_that_cannot_be_read_is_named_with_its_option(site: OutputContext, tmp_path: Path, option: str) -> None:
    missing = tmp_path / "missing"
    options: dict[str, object] = {option: missing, "hosts": ["https://x"]}
    if option == "password_file":
        options["username"] = "elastic"
    if option == "client_key_file":
        certificate = tmp_path / "certificate.pem"
        certificate.write_text("text")
        options["client_cert_file"] = certificate
    with pytest.raises(ConfigurationError, match=rf"outputs\.elastic\.{option}: cannot read {missing}"):
        settings(**options).open(site)


@pytest.mark.parametrize("content", ["", "\n", "\n\n", "\r\n", " \n"])
@pytest.mark.parametrize(("option", "more"), [("password_file", {"username": "elastic"}), ("api_key_file", {})])
def test_a_file_that_holds_no_secret_is_named_as_empty(
    site: OutputContext, tmp_path: Path, option: str, more: dict[str, object], content: str
) -> None:
    file = tmp_path / "secret"
    file.write_text(content)
    with pytest.raises(ConfigurationError, match=rf"outputs\.elastic\.{option}: {file} is empty"):
        settings(**{option: file, **more}).open(site)


USER: dict[str, object] = {"username": "elastic"}


@pytest.mark.parametrize("control", ["\n", "\r\n", "\0", "\t", "\x1b", "\x7f", "\x85"])
@pytest.mark.parametrize(("option", "more"), [("password", USER), ("api_key", {})])
def test_a_secret_that_holds_control_characters_is_refused_without_repeating_it(
    site: OutputContext, tmp_path: Path, option: str, more: dict[str, object], control: str
) -> None:
    secret = f"{SECRET}{control}{SECRET}"
    file = tmp_path / "secret"
    file.write_bytes(secret.encode())
    for given, where in (({option: secret}, option), ({f"{option}_file": file}, f"{option}_file: {file}")):
        with pytest.raises(
            ConfigurationError, match=rf"outputs\.elastic\.{where} contains .*control.*one line"
        ) as caught:
            settings(**given, **more).open(site)
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\r\n", "\r\n\r\n"])
@pytest.mark.parametrize(
    ("option", "more", "header"),
    [
        ("password", USER, f"Basic {b64encode(f'elastic:{SECRET}'.encode()).decode()}"),
        ("api_key", {}, f"ApiKey {SECRET}"),
    ],
)
async def test_newlines_at_the_end_of_a_secret_are_no_part_of_it(
    site: OutputContext, tmp_path: Path, option: str, more: dict[str, object], header: str, end: str
) -> None:
    file = tmp_path / "secret"
    file.write_bytes(f"{SECRET}{end}".encode())
    async with BulkEndpoint() as endpoint:
        for given in ({option: f"{SECRET}{end}"}, {f"{option}_file": file}):
            shipper = settings(hosts=[endpoint.url], **given, **more).open(site)
            await shipper.probe()
            await shipper.aclose()
        assert [{k.lower(): v for k, v in each.headers.items()}["authorization"] for each in endpoint.received] == [
            header,
            header,
        ]


@pytest.mark.parametrize(
    "content", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
)
def test_a_ca_file_without_certificates_is_refused_and_not_taken_for_the_default(
    site: OutputContext, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "ca.pem"
    file.write_text(content)
    with pytest.raises(ConfigurationError, match=rf"outputs\.elastic\.ca_file: {file}"):
        settings(hosts=["https://x"], ca_file=file).open(site)


def test_a_client_certificate_with_the_key_of_another_is_refused(site: OutputContext, tmp_path: Path) -> None:
    authority = trustme.CA()
    one, other = (authority.issue_cert(f"{name}.example") for name in ("one", "other"))
    one.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    other.private_key_pem.write_to_path(tmp_path / "key.pem")
    given = settings(hosts=["https://x"], client_cert_file=tmp_path / "cert.pem", client_key_file=tmp_path / "key.pem")
    with pytest.raises(ConfigurationError, match="client_cert_file"):
        given.open(site)


def test_a_client_certificate_with_its_key_is_taken(site: OutputContext, tmp_path: Path) -> None:
    pair = trustme.CA().issue_cert("one.example")
    pair.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    settings(hosts=["https://x"], client_cert_file=tmp_path / "both.pem").open(site)
