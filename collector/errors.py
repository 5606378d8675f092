"""Every error that a user or another module can meet, each with its cause and, for users, a remedy.

PilotfishError            one line on stderr, exit code 1
├── UsageError            the command line asks for what cannot be                   exit code 2
├── ConfigurationError    the configuration is wrong                                 exit code 78
├── StateError            the state directory cannot be used
│   └── StateInUse        another agent uses it
├── QueryError            a search that cannot be answered as it stands
└── ShippingError         a whole batch was not taken; nothing is known of its documents
    ├── Unavailable       try the same batch again later
    │   └── Unauthorized  the same, but only the operator can mend it: raise an alarm
    └── Refused           the batch as a whole, for what is in it: send it in halves
"""

from collections.abc import Iterator

# What libraries raise about bytes that they cannot read as JSON, MessagePack or text: their own classes are
# ValueErrors, and which of them it is differs between releases (for bad UTF-8 msgspec 0.22 raises UnicodeDecodeError,
# 0.23 DecodeError).
UNREADABLE = (ValueError, RecursionError)


class PilotfishError(Exception):
    """Base of all: `cause` says what is wrong, `remedy` what to do; together they are the one line a user reads."""

    exit_code = 1

    def __init__(self, cause: str, remedy: str = "") -> None:
        super().__init__(cause, remedy)
        self.cause = cause
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.cause}: {self.remedy}" if self.remedy else self.cause


class UsageError(PilotfishError):
    """The command line asks for what cannot be."""

    exit_code = 2


class ConfigurationError(PilotfishError):
    """The configuration is wrong; the text names file, key and what was expected, never a value of a secret."""

    exit_code = 78


class StateError(PilotfishError):
    """The state directory, or something in it, cannot be used."""


class StateInUse(StateError):
    """Another agent uses the state directory."""


class QueryError(PilotfishError):
    """A search that cannot be answered as it stands: bad syntax, or no store output."""


class ShippingError(PilotfishError):
    """A whole batch was not taken; nothing is known of its documents, so all of it is sent again."""


class Unavailable(ShippingError):
    """The destination is away or answers nonsense; `retry_after` seconds is what it asks for, or None.

    `is_lost` says that the connection broke while the batch was on its way: the destination may have died of it.
    """

    def __init__(
        self, cause: str, remedy: str = "", *, retry_after: float | None = None, is_lost: bool = False
    ) -> None:
        super().__init__(cause, remedy)
        self.retry_after = retry_after
        self.is_lost = is_lost


class Unauthorized(Unavailable):
    """The destination refuses the credentials: only the operator can mend it."""


TOO_LARGE = "too_large"


class Refused(ShippingError):
    """The destination refuses the whole batch for what is in it: its size, or one document that it cannot read.

    Sent in halves, the document at fault is found; `type` is then the reason why it is rejected.
    """

    def __init__(self, cause: str, remedy: str = "", *, type: str = TOO_LARGE) -> None:  # noqa: A002
        super().__init__(cause, remedy)
        self.type = type


REPORT_IT = "report it to the authors of this type"


def place_of(error: BaseException) -> str:
    """The type of an error that nobody foresaw, and the line that it comes from: its words may repeat a secret."""
    error = next(leaves(error))
    last = error.__traceback__
    while last and last.tb_next:
        last = last.tb_next
    where = f" at {last.tb_frame.f_code.co_filename.rpartition('/')[2]}:{last.tb_lineno}" if last else ""
    return f"{type(error).__name__}{where}"


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors themselves, however deep task groups have wrapped them."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error
