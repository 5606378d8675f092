"""What Redis, or the way to it, says of an error → the error that a user reads, with what helps.

Redis repeats what it was sent where it does not know a command: such words are cut off, since they may be of a line.
"""

import os
import re

from redis import exceptions

from collector.errors import Unauthorized, Unavailable
from collector.net.http_client import one_line

WRONG_TYPE = "WRONGTYPE"
_MOST_WORDS = 200
_ECHO = ", with args beginning"
_FAILED = re.compile(r"Error (\d+) connecting to (?!.*SSL)")  # of the system; the address behind it is told already

_RETRIED = {  # by the word by which it tells its errors apart
    "ASK": "wait until the cluster has moved this slot; the agent retries",
    "BUSY": "wait until the script that keeps it busy has ended, or end it with SCRIPT KILL",
    "CLUSTERDOWN": "repair the cluster (CLUSTER INFO); the agent retries",
    "LOADING": "wait: it reads its data from disk after a start",
    "MASTERDOWN": "bring its primary back; the agent retries",
    "MISCONF": "free disk space for its snapshots; until then it refuses writes",
    "NOREPLICAS": "bring its replicas back: it has fewer than min-replicas-to-write",
    "OOM": "raise maxmemory, or set max_length so that old entries are removed",
    "READONLY": "name the primary in `hosts`: this server is a replica",
    "TRYAGAIN": "wait until the cluster has moved this slot; the agent retries",
}
_LOGIN = ("NOAUTH", "WRONGPASS")
_WORD = re.compile(rf"\b({'|'.join([*_RETRIED, *_LOGIN, WRONG_TYPE, 'NOPERM', 'NOSCRIPT', 'MOVED'])})\b")
_DENIED = ("can't run this command", "can't access", "no permissions")  # in a script
_GRANT = (
    "grant the user the keys of this output and `{<key>}:batches:*`, and the commands EVAL, EVALSHA, TIME, TYPE, XADD, "
    "XTRIM, RPUSH, LTRIM, ZADD, ZCARD, ZCOUNT, ZSCORE, ZREMRANGEBYRANK and EXPIRE"
)


def word_of(error: Exception) -> str:
    """The word by which Redis tells its errors apart, "" where it said none. In a script it stands within a text."""
    told = getattr(error, "status_code", None) or ""
    found = _WORD.search(f"{told} {error}") if isinstance(error, exceptions.RedisError) else None
    return found[1] if found else ""


def error_of(error: Exception, name: str, who: str, remedy: str) -> Unavailable:
    """The error for what went wrong at the server `name`; `who` asks it, with the `remedy` if that one is refused."""
    word, words = word_of(error), _words_of(error)
    if word in _LOGIN or _is_refused_login(error):
        return Unauthorized(f"{name} rejects {who} ({words})", remedy)
    if word == "NOPERM" or any(each in words for each in _DENIED):
        return Unauthorized(f"{name} does not permit {who} to do this ({words})", _GRANT)
    if word or isinstance(error, exceptions.ResponseError):
        help_ = _RETRIED.get(word, "check that `hosts` names Redis 5 or later, or a server like it")
        return Unavailable(f"{name} refuses the batch ({words})", help_)
    if isinstance(error, exceptions.TimeoutError | TimeoutError):
        return Unavailable(f"{name} did not answer in time", "raise request_timeout_seconds if it is slow")
    if "CERTIFICATE_VERIFY_FAILED" in words:
        trust = "set ca_file to the CA certificate of the server, and use a host name of the server's certificate"
        return Unavailable(f"the certificate of {name} cannot be verified ({words})", trust)
    return Unavailable(
        f"{name} cannot be reached ({words})", "check `hosts` (rediss or redis?), the network, and that the server runs"
    )


def _words_of(error: Exception) -> str:
    """Its words on one line, with the one that the library takes away, and without what was sent."""
    if failed := _FAILED.match(str(error)):
        return os.strerror(int(failed[1]))
    told = getattr(error, "status_code", None)
    said = str(error).partition(_ECHO)[0] or type(error).__name__
    return one_line(f"{told} {said}" if told else said)[:_MOST_WORDS]


def _is_refused_login(error: Exception) -> bool:
    return isinstance(error, exceptions.AuthenticationError | exceptions.AuthenticationWrongNumberOfArgsError)
