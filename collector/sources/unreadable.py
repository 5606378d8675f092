"""A log that cannot be read → what the operator can do about it."""

import errno

_LOGS = "inputs.docker.logs_root (or inputs.directory.path)"


def remedy(error: OSError) -> str:
    """What helps with it, in one line."""
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return "raise the limit of open files (ulimit -Hn, LimitNOFILE=) to two for each log and output"
    if error.errno == errno.ELOOP:
        return "put the log itself there: a link could lead to any file of the host, and who wrote it is not known"
    if isinstance(error, FileNotFoundError):
        return f"is {_LOGS} the daemon's own directory, and mounted if this is a container?"
    if isinstance(error, PermissionError):
        return f"run as root or with CAP_DAC_READ_SEARCH, and mount {_LOGS} if this is a container"
    if error.errno in (None, errno.EINVAL, errno.ENOTDIR):
        return "remove what is in the log's place: Docker writes files alone"
    return "look into the kernel's log (dmesg): the disk may be broken, or a mount gone"
