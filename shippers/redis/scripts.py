"""What the server runs: one batch into one key, unless the same batch is there.

A script is not taken back where it fails half-way. So all that can fail is looked at before the first write: the type
of the key; and memory and role, which the server judges at the first write of a script and not again. The batch is
noted last.

`KEYS`: the key, and the sorted set of batches that it took of this host, by the time when they came. `ARGV`: what
stands for the batch; the documents in MessagePack; how many entries the key keeps (0: all); the seconds and the number
of batches that are remembered at least. Both hold together, so that a host that was away for days still finds its last
batches. The answer is 1 where the batch was new, 0 where it was there.
"""

from hashlib import sha1
from typing import Literal, NamedTuple

Mode = Literal["stream", "list"]

REMEMBERED = 128  # batches at least: more than are ever on their way at once; so many cost 4 kB
_FORGOTTEN_SECONDS = 30 * 86400  # a host that is silent for so long

_SCRIPT = """
local key, taken = KEYS[1], KEYS[2]
local batch, most, window, remembered = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local kind = redis.call('TYPE', key).ok
if kind ~= 'none' and kind ~= '%(mode)s' then
  return redis.error_reply('WRONGTYPE the key is a ' .. kind .. ', not a %(mode)s')
end
if redis.call('ZSCORE', taken, batch) then
  return 0
end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local values = cmsgpack.unpack(ARGV[2])
%(write)s
redis.call('ZADD', taken, now, batch)
local too_many = redis.call('ZCARD', taken) - remembered
local old = math.min(too_many, redis.call('ZCOUNT', taken, '-inf', now - window * 1000000))
if old > 0 then
  redis.call('ZREMRANGEBYRANK', taken, 0, old - 1)
end
redis.call('EXPIRE', taken, math.max(window, %(forgotten)d))
return 1
"""
_TO_STREAM = """
for at = 1, #values, 2 do
  redis.call('XADD', key, '*', 'id', values[at], 'document', values[at + 1])
end
if most > 0 then
  redis.call('XTRIM', key, 'MAXLEN', '~', most)
end"""
_TO_LIST = """
for at = 1, #values, 1000 do
  redis.call('RPUSH', key, unpack(values, at, math.min(at + 999, #values)))
end
if most > 0 then
  redis.call('LTRIM', key, -most, -1)
end"""


class Script(NamedTuple):
    """A script, and the name by which a server that has it runs it."""

    text: str
    name: str


def script(mode: Mode) -> Script:
    """What puts a batch into a key of this type."""
    write = _TO_STREAM if mode == "stream" else _TO_LIST
    text = _SCRIPT % {"mode": mode, "write": write, "forgotten": _FORGOTTEN_SECONDS}
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())
