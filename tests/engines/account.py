"""Root → an account without rights for servers that refuse to run as root."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

_NAME = "pilotfish-engines"


class Account(NamedTuple):
    """Whom a server runs as."""

    uid: int
    gid: int


def engine_account() -> Account | None:
    """The account of the engines, made if missing; None when the tests do not run as root and need no other."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(_NAME)
    except KeyError:
        subprocess.run(["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _NAME], check=True)
        entry = pwd.getpwnam(_NAME)
    return Account(entry.pw_uid, entry.pw_gid)


def become(account: Account | None) -> list[str]:
    """Words before a command that make root run it as the account; none for None."""
    if account is None:
        return []
    return ["setpriv", "--reuid", str(account.uid), "--regid", str(account.gid), "--clear-groups"]


def hand_over(tree: Path, account: Account | None) -> None:
    """Give a directory of this test run with what is in it to the account, but for hard links: they are the cache's."""
    if account is None:
        return
    for directory, _, files in os.walk(tree):
        for path in (Path(directory), *(Path(directory, file) for file in files)):
            if path.is_dir() or path.stat().st_nlink == 1:
                shutil.chown(path, account.uid, account.gid)
