"""The interpreter and the C library → told what is known of a process that carries batch after batch for months.

- What was loaded stays: the garbage collector need not look at it again and again.
- Buffers of megabytes come and go all the time: glibc would give each back to the kernel and have it mapped anew, page
  by page (57,000 page faults in 2,000,000 lines; 18,000 with this, and 3 % less CPU).

The parameters: mallopt(3).
"""

import ctypes
import gc

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # glibc, malloc.h
_KEPT_BYTES = 128 << 20  # free memory at the end of the heap that is not given back
_MAPPED_BYTES = 64 << 20  # from here on a buffer is given back for itself


def settle() -> None:
    """To be called when all is imported and nothing has begun; another C library than glibc goes on as it is."""
    gc.freeze()
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_MMAP_THRESHOLD, _MAPPED_BYTES)
        mallopt(_ARENA_MAX, 1)  # threads take turns at the interpreter anyway
