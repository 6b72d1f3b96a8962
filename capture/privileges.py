"""Privileges are needed to attach, not to read: afterwards they are given up."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping


def invoking_user(environment: Mapping[str, str] = os.environ) -> pwd.struct_passwd | None:
    """Give the user who called us through sudo, None when nobody did.

    >>> invoking_user({}) is None
    True
    """
    uid = environment.get("SUDO_UID", "")
    if os.geteuid() != 0 or not uid.isdecimal() or int(uid) == 0:
        return None
    try:
        return pwd.getpwuid(int(uid))
    except KeyError:
        return None


def become(user: pwd.struct_passwd) -> dict[str, str]:
    """Become that user for good, in all respects; gives the environment the user would have.

    What is written from here on is the user's, and what is started runs as the user.
    """
    os.setgroups(os.getgrouplist(user.pw_name, user.pw_gid))
    os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
    os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
    return {**os.environ, "HOME": user.pw_dir, "USER": user.pw_name, "LOGNAME": user.pw_name}
