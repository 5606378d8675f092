"""Laws of an output of another package, as the tutorial has it: those of all outputs, and a disk that is away."""

from pathlib import Path

import pytest

from collector.errors import Unavailable
from collector.ports import OutputContext, Shipper
from tests.contract.segments import batch, plain_segment
from tests.contract.shippers import Destination, ShipperContract
from tests.plugin.document_files import Settings

HERE = Path(__file__).parent


class Files:
    """The directory, as the contract sees it."""

    def __init__(self, path: Path, context: OutputContext) -> None:
        self._path, self._context = path, context

    def open(self) -> Shipper:
        return Settings(path=self._path).open(self._context)

    async def stored(self) -> dict[str, list[bytes]]:
        return {file.stem: [file.read_bytes()] for file in self._path.glob("*.json")}


class TestDocumentFiles(ShipperContract):
    takes_anything = True

    @pytest.fixture
    def destination(self, tmp_path_factory: pytest.TempPathFactory, site: OutputContext) -> Destination:
        return Files(tmp_path_factory.mktemp("documents"), site)


async def test_a_directory_that_is_away_makes_documents_wait(tmp_path: Path) -> None:
    shipper = Settings(path=tmp_path / "away").open(OutputContext("out", tmp_path))
    with pytest.raises(Unavailable, match=r"away cannot be written \(No such file or directory\): check `path`"):
        await shipper.ship(batch(plain_segment(1)))


def test_the_page_shows_the_output_that_is_tested() -> None:
    page = (HERE.parents[1] / "docs" / "tutorials" / "write-an-output.md").read_text()
    assert (HERE / "document_files.py").read_text() in page
    assert Path(__file__).read_text().partition("class TestDocumentFiles")[2].partition("\n\n\n")[0] in page
