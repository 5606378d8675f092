"""The house keeps its shape: how long a module is, where tests stand, what is never written."""

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from collector.ports import ShipperSettings

ROOT = Path(__file__).parent.parent
FILES = sorted(path for package in ("collector", "shippers") for path in (ROOT / package).rglob("*.py"))
SHIPPERS = sorted(
    path.stem for path in (ROOT / "shippers").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
)
SHIPPERS.remove("__init__")

WORDS_OF_OTHERS = {"null", "stdout", "http", "syslog", "forward", "kafka", "raw"}  # JSON, Docker, URLs, formats, …
MAY_NAME_AN_OUTPUT = ("collector.cli.setup_elasticsearch", "collector.demo")  # a command for it; a show of the store
MAY_CATCH_EVERY_ERROR = (
    "collector.cli",
    "collector.app.alerting",
    "collector.app.check",
    "collector.app.inputs",
    "collector.app.live_routes",
    "collector.app.plugins",
    "collector.app.reloading",
    "collector.app.trying_output",
    "collector.delivery.sender",
)
MAY_READ_THE_ENVIRONMENT = ("collector.config", "collector.cli")


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


MODULES = {module_name(path): path for path in FILES}


def every_module(law: Callable[[str], None]) -> Callable[[], None]:
    """One test of all modules: a test each would be two thousand, and cost more than what they look at."""

    def holds() -> None:
        broken = []
        for module in MODULES:
            try:
                law(module)
            except AssertionError as error:
                broken.append(f"{module}: {error}")
        assert not broken, "\n".join(broken)

    holds.__name__, holds.__doc__ = law.__name__, law.__doc__
    return holds


@every_module
def test_only_app_loads_shippers_by_name(module: str) -> None:
    names = [
        node.value
        for node in ast.walk(tree(MODULES[module]))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("shippers.")
    ]
    assert names == [] or module == "collector.app.plugins"


@every_module
def test_no_type_of_output_is_named_outside_of_shippers(module: str) -> None:
    """What is peculiar to one stands in its `Settings`. Some types have names that others use, too."""
    if not is_within(module, "collector") or any(is_within(module, each) for each in MAY_NAME_AN_OUTPUT):
        return
    names = {*SHIPPERS} - WORDS_OF_OTHERS
    long = [name for name in names if len(name) > len("stdout")]
    found = [text for text in texts(tree(MODULES[module])) if text in names or any(name in text for name in long)]
    assert found == []


@every_module
def test_no_text_names_an_option_below_a_name_that_an_operator_may_not_have(module: str) -> None:
    """Inputs and outputs have any names: what names an option of one is told the name."""
    found = [text for text in texts(tree(MODULES[module])) if re.search(r"(?<![\w.])(inputs|outputs)\.[a-z]", text)]
    assert found == []


def texts(module: ast.Module) -> Iterator[str]:
    """Every text of a module but for docstrings."""
    said = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


def test_few_files_stand_in_the_root() -> None:
    """Each thing has a folder; who may import whom is in pyproject.toml, and `script/lint` holds it."""
    assert len(list((ROOT / "collector").glob("*.py"))) <= 10


@every_module
def test_a_module_is_shorter_than_350_lines(module: str) -> None:
    assert len(MODULES[module].read_text().splitlines()) < 350


@every_module
def test_a_function_has_40_lines_at_most(module: str) -> None:
    for node in ast.walk(tree(MODULES[module])):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= 40, f"line {node.lineno}: {node.name} has {lines}"


@every_module
def test_a_module_says_what_it_is(module: str) -> None:
    assert ast.get_docstring(tree(MODULES[module]))


@every_module
def test_nothing_catches_every_error_but_the_command_and_what_runs_other_packages(module: str) -> None:
    """`BaseException` may be caught where it is raised again."""
    for node in ast.walk(tree(MODULES[module])):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = {name.id for name in ast.walk(node.type) if isinstance(name, ast.Name)} if node.type else {"bare"}
        may = any(is_within(module, each) for each in MAY_CATCH_EVERY_ERROR)
        assert "Exception" not in caught or may, f"line {node.lineno}"
        if caught & {"bare", "BaseException"}:
            assert any(isinstance(inner, ast.Raise) for inner in ast.walk(node)), f"line {node.lineno}"


@every_module
def test_no_module_leans_on_which_error_a_parser_raises(module: str) -> None:
    """It differs between releases of one library: `collector.errors.UNREADABLE` is all of them."""
    for node in ast.walk(tree(MODULES[module])):
        if isinstance(node, ast.ExceptHandler) and node.type:
            caught = {name.attr if isinstance(name, ast.Attribute) else name.id
                      for name in ast.walk(node.type) if isinstance(name, ast.Attribute | ast.Name)}  # fmt: skip
            assert not {name for name in caught if name.endswith("DecodeError")}, f"line {node.lineno}"


@every_module
def test_every_task_belongs_to_a_group(module: str) -> None:
    for node in ast.walk(tree(MODULES[module])):
        if isinstance(node, ast.Attribute) and node.attr in ("create_task", "ensure_future"):
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            assert node.attr == "create_task", f"line {node.lineno}"
            assert owner not in ("", "asyncio", "loop"), f"line {node.lineno}"


@every_module
def test_the_environment_is_read_in_few_places(module: str) -> None:
    if any(is_within(module, allowed) for allowed in MAY_READ_THE_ENVIRONMENT):
        return
    for node in ast.walk(tree(MODULES[module])):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
            assert node.attr not in ("environ", "environb", "getenv"), f"line {node.lineno}"
        if isinstance(node, ast.ImportFrom) and node.module == "os":
            assert not {alias.name for alias in node.names} & {"environ", "environb", "getenv"}, f"line {node.lineno}"


@every_module
def test_only_documents_writes_or_looks_for_members_of_a_document(module: str) -> None:
    """Elsewhere a document is whole, or JSON like any other. The demo writes the lines of Docker, which look alike."""
    if is_within(module, "collector.documents") or module == "collector.demo.json_file":
        return
    nodes = list(ast.walk(tree(MODULES[module])))
    docstrings = {node.value for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and node not in docstrings:
            text = node.value if isinstance(node.value, str) else node.value.decode(errors="replace")
            for member in ("log", "stream", "@timestamp", "truncated", "docker_attrs", "delivery_error"):
                assert f',"{member}":' not in text, f"line {node.lineno}"
                assert f'{{"{member}":' not in text, f"line {node.lineno}"


@pytest.mark.parametrize("name", SHIPPERS)
def test_a_shipper_is_held_to_the_laws_of_shippers(name: str) -> None:
    bases = {
        base.id
        for path in (ROOT / "tests" / "shippers").glob(f"test_{name}*.py")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef)
        for base in node.bases
        if isinstance(base, ast.Name)
    }
    assert "ShipperContract" in bases


@pytest.mark.parametrize("name", SHIPPERS)
def test_a_shipper_has_settings(name: str) -> None:
    path = MODULES[f"shippers.{name}"]
    defined = {node.name for node in tree(path).body if isinstance(node, ast.ClassDef)}
    aliases = {
        alias.asname or alias.name
        for node in tree(path).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert "Settings" in defined | aliases


@pytest.mark.parametrize("name", SHIPPERS)
def test_a_shipper_says_what_it_promises(name: str) -> None:
    settings = import_module(f"shippers.{name}").Settings
    assert settings.promise is not ShipperSettings.promise


FORMATS = sorted(
    {path.stem for path in (ROOT / "collector" / "formats").glob("*.py")} - {"__init__", "format", "known"}
)


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_held_to_the_laws_of_formats(name: str) -> None:
    held = {
        value.value
        for path in (ROOT / "tests" / "collector" / "formats").glob(f"test_{name}*.py")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef)
        and "FormatContract" in {base.id for base in node.bases if isinstance(base, ast.Name)}
        for value in ast.walk(node)
        if isinstance(value, ast.Constant)
    }
    assert name in held


def mirrored() -> Iterator[Path]:
    for package in ("collector", "shippers"):
        yield from sorted((ROOT / "tests" / package).rglob("test_*.py"))


@pytest.mark.parametrize("path", list(mirrored()), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_test_stands_where_its_subject_stands(path: Path) -> None:
    """`tests/collector/x/test_y.py` tests `collector/x/y.py`, `test_y_z.py` a part of it, or what `x` defines."""
    package = ROOT / path.parent.relative_to(ROOT / "tests")
    assert package.is_dir()
    subject = path.stem.removeprefix("test_")
    subjects = {one.stem for one in package.iterdir() if one.suffix == ".py" or (one / "__init__.py").exists()}
    subjects |= {package.name}
    subjects |= {node.name for node in tree(package / "__init__.py").body if isinstance(node, ast.FunctionDef)}
    assert any(subject == one or subject.startswith(f"{one}_") for one in subjects)


SEAMS = {
    "Source": "SourceContract",
    "PolledSource": "SourceContract",
    "Transform": "TransformContract",
    "LineFormat": "TransformContract",
    "InputSettings": "InputContract",
    "ContainerOptions": "InputContract",
}


def implementations(module: str) -> Iterator[tuple[str, str]]:
    """Each class of a module behind a seam with contract suites: its name, its contract."""
    if is_within(module, "collector.ports") or is_within(module, "collector.intake"):
        return
    for node in ast.walk(tree(MODULES[module])):
        if isinstance(node, ast.ClassDef):
            bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
            for contract in {SEAMS[base] for base in bases if base in SEAMS}:
                yield node.name, contract


@every_module
def test_an_input_source_or_transform_is_held_to_its_laws(module: str) -> None:
    path = MODULES[module]
    folder = ROOT / "tests" / path.parent.relative_to(ROOT)
    for name, contract in implementations(module):
        made = {
            node.id
            for test in folder.glob(f"test_{path.stem}*.py")
            for one in ast.walk(tree(test))
            if isinstance(one, ast.ClassDef)
            and contract in {base.id for base in one.bases if isinstance(base, ast.Name)}
            for node in ast.walk(one)
            if isinstance(node, ast.Name)
        }
        assert name in made, f"no {contract} of {name}"
