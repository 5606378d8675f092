"""What a section of the configuration is, and the kinds of value that its options take.

Each kind has bounds, so that what is accepted can be used.
"""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from collector.files.paths import path_of

MOST_SECONDS = 10 * 365 * 86400.0
MOST_BYTES = 1 << 50
_MOST_CHARACTERS = 1024


def _of_one_line(text: str) -> str:
    if len(text) > _MOST_CHARACTERS:
        raise ValueError(f"is too long; {_MOST_CHARACTERS} characters at most")
    if not text.isprintable():
        raise ValueError("contains a line break or another control character; write it as one line of text")
    return text


def _divided(given: object) -> object:
    return given.replace(",", " ").split() if isinstance(given, str) else given


FilePath = Annotated[Path, BeforeValidator(path_of)]
Seconds = Annotated[float, Field(ge=0, le=MOST_SECONDS, allow_inf_nan=False)]
Bytes = Annotated[int, Field(gt=0, le=MOST_BYTES)]
Text = Annotated[str, AfterValidator(_of_one_line)]
Words = Annotated[tuple[str, ...], BeforeValidator(_divided)]
"""Several texts, or one with commas or spaces between them."""


class Section(BaseModel):
    """What every section has: unknown keys are refused, values never change, errors never show a value."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, validate_default=True, frozen=True)
