"""`apache2`: Apache's access logs `common`, `combined` and `vhost_combined`.

With anything behind them the whole line stands in `message` too. The names are those of fluentd's parser `apache2`:
`host`, `user`, `time`, `method`, `path`, `code`, `size`, `referer`, `agent`; and `vhost`, `ident`, `protocol`, which it
drops.
"""

import re

from collector.formats.parts.access import CODE_AND_SIZE, HEAD, put, put_exchange
from collector.formats.parts.members import MemberFormat, Members, with_text

_QUOTED = r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'  # a quote in it is written \"
_access = re.compile(
    rf"(?:([^ :]++:[0-9]++) )?{HEAD}{_QUOTED}{CODE_AND_SIZE}(?: {_QUOTED} {_QUOTED})?( .*)?", re.DOTALL
).fullmatch


class Format(MemberFormat):
    """Reads access logs of Apache."""

    def members(self, text: str) -> Members | None:
        """Those of an access line."""
        if (found := _access(text)) is None:
            return None
        vhost, host, ident, user, time, request, code, size, referer, agent, more = found.groups()
        members: Members = {}
        put(members, "vhost", vhost)
        put(members, "host", host)
        put(members, "ident", ident)
        put(members, "user", user)
        put_exchange(members, time, request, code, size, referer, agent)
        return with_text(members, text) if more else members
