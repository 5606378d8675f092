"""The interpreter's cycle collector → told that here little is garbage, and most of what lives stays.

What goes is freed without it, by reference counts; it finds cycles only, which errors and connections leave behind. A
look at everything took 30 ms after the start, and 300 ms with 10,000 logs, in the middle of somebody's step.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SETTLED_SECONDS = 60.0  # after the start: all logs have their reader, and what serves them was used once
# New objects before a look at them; looks before one at what outlived them (13 ms at most while 10,000 logs come; with
# larger numbers it is longer, since deaths of the old count against births); those before one at everything.
_NEW, _YOUNG, _ALL = 700, 5, 10_000


@contextmanager
def loading() -> Iterator[None]:
    """Nothing is looked for while modules are imported, nor are they looked at again: what they are made of stays."""
    gc.disable()
    try:
        yield
    finally:
        look_no_more()
        gc.enable()


def look_seldom() -> None:
    """To be called when all is imported: it is not looked at again, and all of what comes then only seldom."""
    gc.set_threshold(_NEW, _YOUNG, _ALL)
    look_no_more()


def look_no_more() -> None:
    """What lives now is taken to stay; its references still count."""
    gc.freeze()
