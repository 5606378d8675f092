r"""`multiline: auto`: which lines belong to the one before, by what the usual runtimes are documented to write.

Java (`Throwable.printStackTrace`), .NET (`Exception.ToString`), Python (`traceback`), Go (`runtime.Stack`), Node (V8's
stack and `util.inspect`), PHP (`display_errors`), Ruby (`Exception#full_message`), Rust (`std::panic`), and whatever is
indented. In doubt a line begins an event: two documents can be read together, one of two events cannot be told apart.

The state of an event is what it is (`_PLAIN` and so on) and, as bits, how its last line ends.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from collector.documents.composer import WrittenLine
from collector.transform.events import BEGINS, MAYBE

_PLAIN = 0  # a line
_LOG = 1  # one that tells of an error: an exception behind it is its own
_BLANK = 2  # an empty one, alone
_TRACE = 3  # an exception, with or without frames
_HEADED = 4  # a line, and what may be the head of its exception
_PYTHON_HEAD, _PYTHON, _PYTHON_END, _PYTHON_CHAIN = 5, 6, 7, 8  # "Traceback", frames, the exception, "During handling"
_GO, _GO_STACK, _GO_CALL = 9, 10, 11  # a panic, its goroutines, a call behind a line that is no panic
_PHP = 12
_RUBY = 13
_RUST_HEAD, _RUST = 14, 15  # "panicked at …:", and with its message
_SOURCE, _SOURCE_LINE, _CARET = 16, 17, 18  # Node: where it was thrown, what may be the line, the mark below it
_GO_PLAIN = 19  # calls as zap and pkg/errors write them
_JUL = 20  # the first line of java.util.logging, behind which its level comes
_KIND = 31
_GAP = 32  # an empty line came last, and may be a part of it
_BRACKET = 64  # the last line opens a bracket
_COLON = 128  # it ends with a colon
_INDENTED = 256  # an indented line was joined

_END = 2048  # characters at either end of a line
_CALM = frozenset({_PLAIN, _LOG, _BLANK, _TRACE, _PHP, _RUBY, _RUST, _SOURCE, _PYTHON_HEAD, _GO, _GO_PLAIN})
_LEVEL = (
    r"(?:TRACE|DEBUG|INFO|INFORMATION|NOTICE|WARN|WARNING|ERROR|ERR|FATAL|CRITICAL|CRIT|SEVERE|ALERT|EMERG|VERBOSE)"
)
_COLORS = r"(?:\x1b\[[\d;]*m)*"
_is_log = re.compile(
    rf"""{_COLORS}(?:
    [\[(<]?\d{{4}}[-/.]\d\d[-/.]\d\d
    | [\[(<]?\d\d:\d\d:\d\d
    | [\[(<]?\d\d[-/.](?:\d\d|[A-Z][a-z][a-z])[-/.]\d\d
    | \[?(?:[A-Z][a-z][a-z]\ )?[A-Z][a-z][a-z]\ [\ \d]\d\ \d\d:\d\d
    | [DIWEFA],\ \[\d{{4}}
    | [IWEF]\d{{4}}\ \d\d:
    | [\[<(]?{_LEVEL}(?:[\]>):\s|]|$)
    | (?:trce|dbug|info|warn|fail|crit|debug|warning|error|notice|fatal)(?::|\[)
    | (?:time|ts|level|lvl)=
    | \d{{10,13}}[.\s]
    | \d+\.\d+\.\d+\.\d+\ )""",
    re.VERBOSE,
).match
_tells_error = re.compile(
    r"(?:(?!\b(?:TRACE|DEBUG|INFO|INF|DBG|NOTICE|VERBOSE|[Dd]ebug|[Ii]nfo|[Nn]otice|[Tt]race)\b).){0,160}?"
    r"(?:\b(?:WARN|WRN|SEVERE|CRIT|ALERT|EMERG|Err|Fail|Warn|Exception|Fatal|Panic|Crit|Alert|Severe)|ERR|FAIL|FATAL|PANIC"
    r"|[Ee]rror|[Ff]ail|[Ww]arn|[Pp]anic|[Ff]atal|[Cc]ritical|[Ee]xception|[EF],\ \[|[EF]\d{4}\ |FTL)"
).match
_is_indented_log = re.compile(
    rf"{_COLORS}(?:[\[(<]?\d{{4}}[-/]\d\d[-/]\d\d[T ]\d\d:|[\[(]?\d\d:\d\d:\d\d\b"
    rf"|[\[<(]?{_LEVEL}(?:[\]>):|]|\s+(?!=)|$))"
).match
_ends_source = re.compile(r"\^+$").match  # Node's mark below a line
_is_list = re.compile(r"[-*+•·\u2013✓✔✗✘✖●○◦►▶→>#|]\s|\d{1,3}[.)]\s|[a-z][.)]\s|[├└│╰┌─═+|=]|.*\s\|\s").match
_is_jul_level = re.compile(r"(?:SEVERE|WARNING|INFO|CONFIG|FINE(?:R|ST)?): ").match
_is_words = re.compile(r"[\w\"<{(\[@$&]|--?\w").match
_NAME = r"[A-Za-z_$][\w$]*(?:(?:\.|::|\\|/)[\w$<>]+)*"
_EXCEPTION = (  # names are bounded: the square of their length is what a hostile one costs
    r"(?:[\w$.:\\/]{0,255}(?:Exception|Error|Throwable|Failure|Fault)(?:`\d+)?(?:\$[\w$]{1,255})?)(?:\ \[[\w.]+\])?"
)
_RUBY_FRAME = r"(?:(?:[a-z./_~\\@\-]|Rake|Gem|Cap)[^\s:]*+|\(\w+\)|<internal:[^>]*>):\d+:in [`'\"]"
_begins = re.compile(
    rf"""(?P<python>Traceback\ \(most\ recent\ call\ last\):|\s*File\ ".*",\ line\ \d+
        | \s*\+\ Exception\ Group\ Traceback)
    | (?P<go>panic:\ |fatal\ error:\ |SIG[A-Z]+:\ |unexpected\ fault\ address)
    | (?P<goroutine>goroutine\ \d+\ .*\[)
    | (?P<php>PHP\ [A-Z][\w ]*:\ |(?:PHP\ )?(?:Fatal|Parse)\ error:\ )
    | (?P<ruby>{_RUBY_FRAME.replace(" ", "[ ]")})
    | (?P<rails>[A-Z]\w*(?:::\w+)*(?:Error|Exception|NotFound|Invalid)\ \()
    | (?P<rust>thread\ '.*'\ (?:\(\d+\)\ )?panicked\ at\ )
    | (?P<source>(?:/|file://|node:|[A-Z]:\\)\S*:\d+$)
    | (?P<jul>[A-Z][a-z][a-z]\ \d{{1,2}},\ \d{{4}},?\ \d\d?:\d\d:\d\d\s[AP]M\ )
    | (?P<thread>\#<Thread:)
    | (?P<trace>Exception\ in\ thread\ |Unhandled\ [Ee]xception\b|Uncaught\ |(?:{_EXCEPTION})(?::\ |:?$|\ \())""",
    re.VERBOSE,
).match
_is_exception = re.compile(rf"{_EXCEPTION}(?:: |:?$| \()").match
_BEGUN: Mapping[str, int] = {
    "python": _PYTHON_HEAD, "go": _GO, "goroutine": _GO_STACK, "php": _PHP, "ruby": _RUBY, "rails": _RUBY,
    "jul": _JUL, "thread": _RUBY, "rust": _RUST, "source": _SOURCE, "trace": _TRACE,
}  # fmt: skip


class _Further(NamedTuple):
    """A line that is joined behind some kinds of event, also over an empty line if `over_gap`; what they are then."""

    matches: Callable[[str], object]
    kinds: frozenset[int]
    becomes: int
    over_gap: bool = True
    is_sure: bool = True


def _further(
    pattern: str, kinds: Sequence[int], becomes: int, *, over_gap: bool = True, is_sure: bool = True
) -> _Further:
    return _Further(re.compile(pattern).match, frozenset(kinds), becomes, over_gap, is_sure)


_CALL = r"[\w./\-~%*()\[\]{}·,$][\w./\-~%*)\[\]{}·,$]*\(.*\)$"  # up to its first parenthesis, so that it is linear
_FURTHER = (
    _further(r"Caused by(?: \(.*?\))?:|Wrapped by:|Suppressed:|Root cause:", [_TRACE, _HEADED, _RUST], _TRACE),
    _further(r"--- End of|--- >|---> |Require stack:$|- (?:/|[A-Z]:|internal/)|Emitted 'error' event|Location:$",
             [_TRACE], _TRACE),
    _further(r"Traceback \(most recent call last\):", [_PYTHON_CHAIN], _PYTHON_HEAD),
    _further(r"Traceback \(most recent call last\):", [_LOG, _TRACE], _PYTHON_HEAD, over_gap=False, is_sure=False),
    _further(r"future: <", [_LOG], _LOG, over_gap=False),
    _further(r"During handling of the above exception|The above exception was the direct cause",
             [_PYTHON_END, _TRACE], _PYTHON_CHAIN),
    _further(rf"{_NAME}(?:: |:?$)", [_PYTHON], _PYTHON_END, over_gap=False),
    _further(r"\[SQL: |\[parameters: |\(Background on this error", [_PYTHON_END], _PYTHON_END, over_gap=False),
    _further(r"\[signal |PC=0x", [_GO], _GO),
    _further(r"(?:Read|Write) at 0x", [_LOG], _GO, over_gap=False),
    _further(r"Previous (?:read|write) at 0x|Goroutine \d+ \(", [_GO, _GO_STACK], _GO),
    _further(r"exit status \d+$", [_GO_STACK], _GO_STACK, over_gap=False),
    _further(r"goroutine \d+ .*\[|runtime stack:|[a-z]\w{1,6} +0x[\da-f]+$", [_GO, _GO_STACK], _GO_STACK),
    _further(r"goroutine \d+ .*\[", [_LOG], _GO_STACK, is_sure=False),
    _further(rf"{_CALL}|created by |\.\.\.", [_GO_STACK], _GO_STACK, over_gap=False),
    _further(rf"{_EXCEPTION}(?:: |:?$| \()", [_LOG], _HEADED, over_gap=False, is_sure=False),
    _further(r"[\w\-~%]+(?:[./][\w\-~%*()\[\]]+)+(?:\(\.\.\.\))?$", [_PLAIN, _LOG, _GO_PLAIN], _GO_CALL,
             over_gap=False, is_sure=False),
    _further(r"(?:PHP )?Stack trace:$", [_PHP, _LOG, _TRACE, _HEADED], _PHP, over_gap=False),
    _further(r"\[stacktrace\]$", [_LOG], _PHP, over_gap=False),
    _further(r'#\d+ |"\}|PHP +\d+\. |Next [\w\\]+(?:: | in )|\[previous exception\] ', [_PHP], _PHP),
    _further(_RUBY_FRAME, [_RUBY, _TRACE], _RUBY),
    _further(rf"{_RUBY_FRAME}(?!.*\([A-Z][\w:]*\)$)", [_LOG], _RUBY, over_gap=False),
    _further(r"note: |[Ss]tack backtrace:", [_RUST, _TRACE, _RUST_HEAD], _RUST),
    _further(r"", [_RUST_HEAD], _RUST, over_gap=False),
    _further(r"\^+$", [_SOURCE_LINE], _CARET, over_gap=False),
    _further(r"", [_SOURCE], _SOURCE_LINE, over_gap=False, is_sure=False),
    _further(r"Node\.js v\d|Thrown at:", [_TRACE, _CARET], _TRACE),
    _further(r"", [_CARET], _TRACE),
)  # fmt: skip
_BEHIND: Mapping[int, tuple[_Further, ...]] = {
    kind: tuple(one for one in _FURTHER if kind in one.kinds) for kind in range(_KIND + 1)
}
# What an indented line says of the event that it belongs to.
_FRAMES = (
    (re.compile(r"at .*[)\]>\d]$|\.\.\. \d+ |Suppressed: |Caused by: ").match, _TRACE),
    (re.compile(r'File ".*", line \d+').match, _PYTHON),
    (re.compile(r"from .*:\d+:in ").match, _RUBY),
    (re.compile(r"\S+\.(?:go|s):\d+(?: \+0x[\da-f]+)?$").match, _GO_STACK),
    (_ends_source, _CARET),
)
_is_frame = re.compile(r"at (?:[^(]*\(.*\)|.*:\d+)\]?$").match
_is_go_file = _FRAMES[3][0]

# A line that may be joined to one that was itself not joined to another, unless an indented line comes with it.
_NEVER = frozenset("0123456789{'*BHIKQUVXYZ")
_may_go_on = re.compile(
    r"[\s}\])#^]|\"\}|Caused by|Wrapped by|Suppressed:|Root cause:|--->? ?|PC=0x|goroutine \d|\[s(?:ignal |tacktrace)"
    r"|(?:PHP )?Stack trace:|PHP +\d|Next |\[previous|note: |[Ss]tack backtrace:|thread '|During handling of|The above"
    r"|future: <|Require stack:|- (?:/|[A-Z]:|internal/)|Emitted 'error' |Location:|(?:Read|Write) at 0x|Previous [rw]"
    r"|Goroutine \d|[A-Z][a-z][a-z] \d\d?, \d{4}"
    rf"|{_RUBY_FRAME}"
    r"|runtime stack:|Node\.js v|Thrown at:|[a-z]\w{1,6} +0x[\da-f]"
).match


class Traces:
    """The rule of `multiline: auto`."""

    def begin(self, text: str) -> int:
        """What an event is that begins with this line."""
        text = _ends_of(text)
        if not text or text.isspace():
            return _BLANK
        found = None if _is_log(text) else _begins(text)
        if found is None or found.lastgroup is None:
            return (_LOG if _tells_error(text) else _PLAIN) | _ending(text)
        kind = _BEGUN[found.lastgroup]
        if kind == _RUST and text.endswith(":"):
            kind = _RUST_HEAD
        if kind == _PYTHON_HEAD and text[0].isspace():
            kind = _TRACE if "+" in text[:6] else _PYTHON
        return kind | _ending(text)

    def follow(self, state: int, text: str) -> int:
        """What an event is with this line behind it."""
        text = _ends_of(text)
        kind = state & _KIND
        if not text or text.isspace():
            return BEGINS if kind in (_PLAIN, _BLANK, _HEADED) or state & _GAP else kind | _GAP | MAYBE
        if text[0] in " \t":
            return self._follow_indented(state, kind, text)
        if text[0] in "}])" and state & _BRACKET:
            return kind | _INDENTED | _ending(text)
        if kind == _JUL and _is_jul_level(text):
            return self.begin(text)
        if state & _GAP and kind == _LOG and _is_exception(text):
            return _TRACE | _ending(text)
        for one in _BEHIND[kind]:
            if (one.over_gap or not state & _GAP) and one.matches(text):
                if _is_log(text):
                    return BEGINS
                return one.becomes | (0 if one.is_sure else MAYBE) | _ending(text)
        return BEGINS

    def _follow_indented(self, state: int, kind: int, text: str) -> int:
        said = text.lstrip()
        if _is_indented_log(said) or kind == _BLANK:
            return BEGINS
        if state & _GAP and kind != _RUBY and not (kind == _PYTHON_CHAIN and said.startswith("+ Exc")):
            return BEGINS
        if said.startswith("+ Exception Group Traceback"):
            return _TRACE | _INDENTED | _ending(text) if kind in (_LOG, _PYTHON_CHAIN) else BEGINS
        if kind in (_PLAIN, _LOG) and not state & (_BRACKET | _COLON | _INDENTED) and not _is_further(text, said):
            return BEGINS
        if (kind == _GO_CALL and not _is_go_file(said)) or (kind == _SOURCE_LINE and not _ends_source(said)):
            return BEGINS
        bits = _INDENTED | (state & _BRACKET) | _ending(text)
        if kind == _GO_CALL:
            return _GO_PLAIN | bits
        for matches, becomes in _FRAMES:
            if matches(said) and kind not in (_PHP, _RUST, _RUST_HEAD):
                return becomes | bits
        return _DEEPER.get(kind, kind) | bits

    def always_begins(self, text: str) -> bool:
        """Whether it begins with a time."""
        return text[:1].isdigit() and _is_log(text) is not None

    def is_within(self, state: int) -> bool:
        """Whether a bracket is open in it."""
        return bool(state & _BRACKET)

    def is_calm(self, state: int) -> bool:
        """Whether only lines that `further` finds are joined to it."""
        return state & _KIND in _CALM and not state & _GAP

    def further(self, lines: Sequence[WrittenLine]) -> Sequence[int]:
        """The lines that may be joined, or bring about that the one before or behind is: by how they begin."""
        return [
            number
            for number, line in enumerate(lines)
            if (log := line.log)[:1] not in _NEVER and _may_go_on(log) is not None
        ]


_DEEPER: Mapping[int, int] = {
    _PYTHON_HEAD: _PYTHON,
    _HEADED: _TRACE,
    _RUST_HEAD: _RUST,
    _PYTHON_CHAIN: _PYTHON,
}


def _ends_of(text: str) -> str:
    """So much of a line as is looked at: hostile ones have a million characters."""
    return text if len(text) <= 2 * _END else text[:_END] + text[-_END:]


def _is_further(text: str, said: str) -> bool:
    """Whether a line is indented since it belongs to the one before, whatever that is."""
    if said.startswith('File "'):
        return False
    is_deep = text[0] == "\t" or text.startswith("  ")
    return bool(is_deep and _is_words(said) and not _is_list(said)) or bool(_is_frame(said))


def _ending(text: str) -> int:
    last = text[-1]
    return _BRACKET if last in "{[(" else _COLON if last == ":" else 0
