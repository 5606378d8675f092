"""The laws of all transforms, for json-file lines: written whole, and in Docker's pieces."""

from collector.documents.document import Pilotfish
from collector.documents.selective import Selective
from collector.filters.steps import Steps
from collector.model import BEGINNING, Start
from collector.reading import Limit, Multiline, Reading, Sample
from collector.transform.docker_json import DockerJson
from collector.transform.multiline_json import MultilineJson
from collector.transform.stamps import Stamps
from tests.collector.docker_lines import raw
from tests.contract.transforms import TransformContract


class TestDockerJson(TransformContract):
    def transform(self, start: Start = BEGINNING) -> DockerJson:
        return DockerJson(Stamps(), start)

    def line(self, text: str, number: int) -> bytes:
        return raw(f"{text}\n", time=f"2026-11-23T02:13:{number:02}.000000001Z")


class TestDockerJsonInPieces(TestDockerJson):
    def line(self, text: str, number: int) -> bytes:
        time = f"2026-11-23T02:13:{number:02}.000000001Z"
        return raw(text[:10], time=time) + raw(f"{text[10:]}\n", time=time)


class TestDockerJsonWithAttrs(TestDockerJson):
    def transform(self, start: Start = BEGINNING) -> DockerJson:
        return DockerJson(Stamps(), start, composer=Pilotfish(with_attrs=True))

    def line(self, text: str, number: int) -> bytes:
        return super().line(text, number).replace(b',"time"', b',"attrs":{"@target":"evil"},"time"')


CHOICE = Reading(
    adds=("level", "line"),
    exclude="tab",
    sample=Sample(3),
    fold=20.0,
    limits=(Limit(3, "lines", 10),),
    on_excess="sample",
)


class TestDockerJsonOfWhichSomeIsLeftOut(TestDockerJson):
    def transform(self, start: Start = BEGINNING) -> DockerJson:
        steps = Steps(CHOICE, start.carried)
        return DockerJson(Stamps(), start, composer=Selective(steps, Stamps().render))


class TestDockerJsonInPiecesOfWhichSomeIsLeftOut(TestDockerJsonOfWhichSomeIsLeftOut, TestDockerJsonInPieces):
    """Both."""


class TestMultilineJson(TestDockerJson):
    def transform(self, start: Start = BEGINNING) -> DockerJson:
        return MultilineJson(Stamps(), Multiline(gap=60.0), start)


class TestMultilineJsonOfPatterns(TestDockerJsonInPieces):
    def transform(self, start: Start = BEGINNING) -> DockerJson:
        return MultilineJson(Stamps(), Multiline(start="^[a-p]", end="s$", gap=60.0), start)
