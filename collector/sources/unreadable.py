"""A log that cannot be read → what the operator can do about it."""

import errno


def remedy(error: OSError, option: str) -> str:
    """What helps with it, in one line; `option` is where the configuration says where the log is."""
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return "raise the limit of open files (ulimit -Hn, LimitNOFILE=) to two for each log and output"
    if error.errno == errno.ELOOP:
        return "put the log itself there; links are not followed because they could lead to any file of the host"
    if isinstance(error, FileNotFoundError):
        return f"check that {option} is the directory of these logs, and that it is mounted if this is a container"
    if isinstance(error, PermissionError):
        return f"run as root or with CAP_DAC_READ_SEARCH, and mount {option} if this is a container"
    if error.errno in (None, errno.EINVAL, errno.ENOTDIR):
        return "remove what is there instead of the log: Docker writes regular files only"
    return "check the kernel log (dmesg): the disk may be failing, or a mount may be missing"
