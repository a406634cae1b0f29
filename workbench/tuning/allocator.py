"""Telling glibc's allocator to keep the pages of freed buffers.

With its defaults a training step on the CPU maps and unmaps every activation, and much of the time goes into page
faults. The variables of ``settings.quiet_environment`` do the same for a child process; this does it for the process
that we are in, whoever started it.
"""

import ctypes
import platform

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_MIB = 2**20


def keep_freed_pages() -> bool:
    """Set the allocator up for training; returns whether it could be (glibc alone knows these switches)."""
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    switches = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2047 * _MIB), (_M_TOP_PAD, 256 * _MIB))
    return all(mallopt(switch, value) == 1 for switch, value in switches)
