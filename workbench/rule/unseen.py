"""Fields that Sigma's rules know but no source here sees.

A rule that names one loads unchanged where the field can only keep it silent. Where the field's absence would
make it fire, as under `not`, it is refused: it would match what the rule's author never meant.
"""

from __future__ import annotations

from sigma.rule import SigmaDetection, SigmaRule

from workbench.rule.logsource import is_auditd

AUDITD = frozenset(
    {
        "acct",
        "addr",
        "apparmor",
        "arch",
        "auid",
        "bus",
        "cap_fe",
        "cap_fi",
        "cap_fp",
        "cap_fver",
        "capability",
    }
    | {"cgroup", "denied_mask", "dev", "dir", "egid", "euid", "family", "flags", "fsgid", "fsuid", "gid"}
    | {"grantors", "hostname", "id", "inode", "items", "key", "list", "mode", "msg", "new", "node", "ogid"}
    | {
        "old",
        "op",
        "ouid",
        "path",
        "per",
        "perm",
        "prot",
        "rdev",
        "reason",
        "requested_mask",
        "res",
        "result",
        "saddr",
    }
    | {"ses", "sgid", "subj", "suid", "terminal", "tty", "unit", "vm"}
    | {"ARCH", "AUID", "EGID", "EUID", "FSGID", "FSUID", "GID", "OGID", "OUID", "SGID", "SUID", "UID"}
)
"""Fields of auditd's records that no event tells: the names of the Linux audit project's field dictionary."""

SIGMA = frozenset(
    {"Company", "Description", "FileVersion", "Hashes", "Imphash", "IntegrityLevel", "LogonGuid", "LogonId"}
    | {
        "OriginalFileName",
        "ParentUser",
        "Product",
        "TerminalSessionId",
        "md5",
        "sha1",
        "sha256",
        "SourceHostname",
    }
    | {"DestinationPortName", "SourcePortName", "DestinationIsIpv6", "SourceIsIpv6", "CreationUtcTime"}
    | {"PreviousCreationUtcTime", "RuleName", "UtcTime", "QueryStatus", "ParentIntegrityLevel"}
)
"""Fields of Sigma's taxonomy, which are Sysmon's, that no event tells."""


def unseen_in(rule: SigmaRule, detection: SigmaDetection) -> list[str]:
    """Give the fields of a detection that no source sees, in alphabetical order."""
    return sorted(fields_of(detection) & (AUDITD if is_auditd(rule.logsource) else SIGMA))


def fields_of(detection: SigmaDetection) -> set[str]:
    """Give the fields that a detection names."""
    found: set[str] = set()
    for item in detection.detection_items:
        found |= (
            fields_of(item) if isinstance(item, SigmaDetection) else {item.field} if item.field else set()
        )
    return found
