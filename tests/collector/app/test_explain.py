"""What an agent tells of a container is what it does with it."""

import json
from pathlib import Path
from typing import Any

import orjson

from collector.app.agent import Agent
from collector.app.explain import explained
from collector.discovery.share import Share
from tests.collector.app.test_inputs import Host
from tests.collector.docker_lines import ContainerLog, raw
from tests.collector.waiting import until
from tests.contract.inputs import Kept

IDS = {"web": "a" * 64, "db": "b" * 64, "batch": "c" * 64}
RULES = [
    {"name": "web", "fields": {"labels": ["com.shop.*"], "env": ["APP_*"], "container": ["image"]}, "format": "json"},
    {"name": "d*", "target": "rule"},
]


def describe(tree: Path, name: str, labels: dict[str, str], environment: list[str], *texts: str) -> None:
    log = ContainerLog(tree, container_id=IDS[name])
    config = {"Labels": labels, "Env": environment, "Image": "shop:3"}
    (log.live.parent / "config.v2.json").write_text(json.dumps({"Name": f"/{name}", "Config": config}))
    log.write(b"".join(raw(f"{text}\n") for text in texts))


def told(agent: Agent, name: str = "") -> dict[str, dict[str, Any]]:
    """As the API gives it, by container."""
    found = explained(
        agent.registry,
        agent.pipelines,
        agent.inputs,
        agent.shown.stream,
        lambda one: name in ("", one),
        lambda _: True,
    )
    return {one["container"]: one for one in orjson.loads(orjson.dumps(found))}


def settings(stream: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {one["key"]: (one["value"], one["origin"]) for one in stream["settings"]}


async def test_it_tells_settings_origins_faults_and_the_documents_that_are_delivered(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.environ["PILOTFISH_CONTAINERS"] = json.dumps(RULES)
    tree = host.tree("directory")
    web = {"aliyun.logs.web": "stdout", "aliyun.logs.web.tags": "team=a,host=x", "com.shop.tier": "front"}
    describe(tree, "web", web, ["aliyun_logs_web_target=shop", "APP_ENV=live", "APP_KEY=k"], '{"a":1}', "text")
    describe(tree, "db", {"pilotfish.formats": "json"}, [], "x")
    describe(tree, "batch", {"pilotfish.exclude": "true"}, [], "x")
    async with host.running() as (agent, kept):
        await until(lambda: len(kept.documents) == 3)
        found = told(agent)
        assert found["batch"]["not_followed"] == "excluded by label pilotfish.exclude"
        assert found["db"]["faults"] == [
            "label pilotfish.formats: its place is not followed: use `stdout`, or a full path in a volume; "
            "did you mean pilotfish.format?"
        ]
        (stream,) = found["db"]["streams"]
        assert settings(stream)["target"] == ("rule", "rule containers.1")
        (stream,) = found["web"]["streams"]
        assert settings(stream) == {
            "source": ("stdout", "label aliyun.logs.web"),
            "target": ("shop", "environment variable aliyun_logs_web_target"),
            "tags.team": ("a", "label aliyun.logs.web.tags"),
            "fields.labels": ("com.shop.*", "rule containers.0"),
            "fields.env": ("APP_*", "rule containers.0"),
            "fields.container": ("image", "rule containers.0"),
            "format": ("json", "rule containers.0"),
        }
        assert stream["outputs"] == {
            "kept": {
                "documents": 2,
                "backlog_bytes": 0,
                "level": "",
                "redact": [],
                "format": "",
                "unparsed_lines": 1,
                "refused_times": 0,
                "left_out": {},
            }
        }
        assert found["web"]["faults"] == [
            "label aliyun.logs.web.tags: tag 2: its name is that of a field of Pilotfish's own: use another name"
        ]
        shown = [line["document"] for line in stream["lines"]]
        assert sorted(shown) == sorted(text for text in map(bytes.decode, delivered(kept)) if '"shop"' in text)
        assert orjson.loads(shown[0])["docker_label_com_shop_tier"] == "front"
        assert orjson.loads(shown[0])["docker_env_APP_ENV"] == "live"
        assert "APP_KEY" not in shown[0]
        assert list(told(agent, "db")) == ["db"]


def delivered(kept: Kept) -> list[bytes]:
    return list(kept.documents.values())


async def test_a_worker_tells_only_of_its_own_containers(tmp_path: Path) -> None:
    host = Host(tmp_path)
    tree = host.tree("directory")
    for name in IDS:
        describe(tree, name, {}, [], "x")
    async with host.running() as (agent, kept):
        await until(lambda: len(kept.documents) == 3)
        names = []
        for number in range(2):
            agent.registry.share = Share(number, 2)
            names += list(told(agent))
    assert sorted(names) == sorted(IDS)


async def test_where_lines_are_redacted_neither_they_nor_their_documents_nor_tags_show_a_secret(tmp_path: Path) -> None:
    """A line that Docker cut has half of it in each piece: neither is shown."""
    host = Host(tmp_path)
    host.environ["PILOTFISH_REDACT"] = '{"sets": ["secrets"]}'
    tree = host.tree("directory")
    token = "ghp_" + "Fake" * 9
    labels = {"pilotfish.tags": f"t={token}", "pilotfish.redact": "none", "pilotfish.fields.env": "DB_PASSWORD"}
    describe(tree, "web", labels, ["DB_PASSWORD=hunter2"], "plain", f"push as {token}", '{"password":"hunter2"}')
    log = next(tree.glob(f"{IDS['web']}/*-json.log"))
    log.write_bytes(log.read_bytes() + raw(f"cut {token[:20]}") + raw(f"{token[20:]}\n"))
    async with host.running() as (agent, kept):
        await until(lambda: len(kept.documents) == 4)
        found = told(agent)["web"]
        assert "Fake" not in str(found)
        assert "hunter2" not in str(found)
        assert "Fake" not in str(kept.documents)
        assert "hunter2" not in str(kept.documents)
        (stream,) = found["streams"]
        raws = [line["raw"] for line in stream["lines"]]
        assert raws[1].startswith('{"log":"push as [redacted:github_token]')
        assert raws[-2:] == ["withheld: a piece of a line that Docker cut"] * 2
        assert settings(stream)["redact"] == ("secrets", "rule redact")
        assert settings(stream)["tags.t"][0] == "[redacted:github_token]"
        assert found["faults"] == [
            "label pilotfish.redact: containers may not set redact: it is for the operator's rules in the section "
            "`containers`"
        ]
        assert orjson.loads(delivered(kept)[0])["docker_env_DB_PASSWORD"] == "[redacted:password]"


async def test_what_any_output_redacts_is_shown_of_no_line_and_no_field(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.environ["PILOTFISH_OUTPUTS__PUBLIC"] = json.dumps({"type": "keeps", "containers": ["db"], "redact": ["pii"]})
    tree = host.tree("directory")
    labels = {"pilotfish.tags": "owner=me@example.com", "pilotfish.fields.env": "MAIL"}
    describe(tree, "web", labels, ["MAIL=me@example.com"], "from me@example.com", '{"mail":"me@example.com"}')
    async with host.running() as (agent, kept):
        await until(lambda: len(kept.documents) == 2)
        assert b"me@example.com" in b"".join(delivered(kept))
        found = told(agent)["web"]
        assert "me@" not in str(found)
        assert [json.loads(line["document"])["docker_env_MAIL"] for line in found["streams"][0]["lines"]] == [
            "[redacted:email]"
        ] * 2
        assert "redact" not in settings(found["streams"][0])


async def test_lines_that_are_one_event_are_shown_with_its_document(tmp_path: Path) -> None:
    host = Host(tmp_path)
    tree = host.tree("directory")
    labels = {"pilotfish.multiline": "auto", "pilotfish.multiline.gap": "500ms"}
    describe(tree, "web", labels, [], "a", "ERROR b", "\tat c", '{"d":1}')
    async with host.running() as (agent, _):
        await until(lambda: "web" in told(agent))
        (stream,) = told(agent)["web"]["streams"]
    assert settings(stream)["multiline"] == ("auto", "label pilotfish.multiline")
    assert settings(stream)["multiline.gap"] == ("0.5s", "label pilotfish.multiline.gap")
    shown = [(line["raw"].count("\n") + 1, orjson.loads(line["document"])["log"]) for line in stream["lines"]]
    assert shown == [(1, {"message": "a"}), (2, {"message": "ERROR b\n\tat c"}), (1, {"d": 1})]


async def test_a_secret_over_several_lines_of_an_event_is_shown_in_none_of_them(tmp_path: Path) -> None:
    """Lines with nothing in them are shown as they are, in one event or several."""
    host = Host(tmp_path)
    host.environ["PILOTFISH_REDACT"] = '{"sets": ["secrets"]}'
    tree = host.tree("directory")
    labels = {"pilotfish.multiline.start": r"^[^\s\]}]", "pilotfish.multiline.gap": "500ms"}
    texts = ["a", "\tat b", "{", '  "password":', '  "hunter2"', "}", "cut <pass", "c"]
    describe(tree, "web", labels, [], *texts)
    log = next(tree.glob(f"{IDS['web']}/*-json.log"))
    log.write_bytes(log.read_bytes() + b'{"log":"\\u003cpassword\\u003ehunter2\\u003c/password\n')
    async with host.running() as (agent, _):
        await until(lambda: "web" in told(agent))
        (stream,) = told(agent)["web"]["streams"]
    assert "hunter2" not in str(stream)
    raws = [line["raw"] for line in stream["lines"]]
    assert [raw.count("\n") for raw in raws if not raw.startswith("withheld: ")][:2] == [1, 0]
    assert sum(raw.startswith("withheld: there is a secret in the event") for raw in raws) == 1


async def test_of_a_file_in_a_volume_settings_and_lines_are_told_and_a_link_is_not_followed(tmp_path: Path) -> None:
    host = Host(tmp_path)
    tree, volume = host.tree("directory"), tmp_path / "volume"
    host.inputs["directory"]["host_root"] = "/"
    (volume / "logs").mkdir(parents=True)
    (volume / "logs" / "app.log").write_text('{"a":1}\ntext\n')
    labels = {"aliyun.logs.app": "/data/*/*.log", "aliyun.logs.app.target": "shop"}
    describe(tree, "web", labels, [])
    config = {
        "Name": "/web",
        "Config": {"Labels": labels},
        "MountPoints": {"/data": {"Type": "bind", "Source": str(volume), "Destination": "/data"}},
    }
    (tree / IDS["web"] / "config.v2.json").write_text(json.dumps(config))
    async with host.running() as (agent, kept):
        await until(lambda: len(kept.documents) == 2)
        (stream,) = told(agent)["web"]["streams"]
        assert (stream["name"], settings(stream)["source"]) == ("app", ("/data/*/*.log", "label aliyun.logs.app"))
        assert sorted(line["document"] for line in stream["lines"]) == sorted(map(bytes.decode, delivered(kept)))
        assert stream["outputs"]["kept"]["documents"] == 2
        (tmp_path / "outside").mkdir()
        (tmp_path / "outside" / "app.log").write_text("secret\n")
        (volume / "logs").rename(volume / "moved")
        (volume / "logs").symlink_to(tmp_path / "outside")
        assert all(one["lines"] == [] for one in told(agent)["web"]["streams"])


async def test_it_tells_which_outputs_get_nothing_of_a_container(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.environ["PILOTFISH_OUTPUTS__OTHER"] = json.dumps({"type": "keeps", "containers": ["db"], "redact": ["pii"]})
    tree = host.tree("directory")
    describe(tree, "web", {}, [], "x")
    describe(tree, "db", {}, [], "x")
    describe(tree, "batch", {"pilotfish.outputs": "kept"}, [], "x")
    async with host.running() as (agent, kept):
        await until(lambda: len(kept.documents) == 3)
        found = {name: one["streams"][0] for name, one in told(agent).items()}
        assert {name: one["not_for"] for name, one in found.items()} == {"web": ["other"], "db": [], "batch": ["other"]}
        assert {name: sorted(one["outputs"]) for name, one in found.items()} == {
            "web": ["kept"],
            "db": ["kept", "other"],
            "batch": ["kept"],
        }
        assert found["db"]["outputs"]["other"]["redact"] == ["pii"]
        assert settings(found["batch"])["outputs"] == ("kept", "label pilotfish.outputs")
