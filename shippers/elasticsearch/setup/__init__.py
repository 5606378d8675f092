"""What an operator wants → templates and lifecycle on the server, each object's outcome told.

Guarantees: without `overwrite` nothing that somebody made or changed is replaced, nobody's template is put out of
force, and no index of another program gets ours. What is the same is not sent; a dry run sends GET alone.

Reading order: `lifecycle` (ILM's and ISM's bodies), `objects` (all that is to be there, in order), `others` (whose
templates and indices it would meet), `policies` (those of lifecycles that are there), `verdicts` (what is to be done
about each), `installing` (each sent).
"""

from .installing import install
from .objects import SERVERS, exported

__all__ = ["SERVERS", "exported", "install"]
