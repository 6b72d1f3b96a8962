"""Fields that Sigma's rules know but no source here sees.

A rule that names one loads unchanged where the field can only keep it silent. Where the field's absence would
make it fire, as under `not`, it is refused: it would match what the rule's author never meant.
"""

from __future__ import annotations

from sigma.rule import SigmaDetection, SigmaRule

from workbench.rule.logsource import is_auditd


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


AUDITD = _names(
    """
    acct acl action added addr apparmor arch audit_backlog_limit audit_backlog_wait_time audit_enabled
    audit_failure auid banners bool bus cap_fe cap_fi cap_fp cap_fver cap_pa cap_pe cap_pi cap_pp
    capability category cgroup changed cipher class cmd code compat daddr data default-context
    denied_mask dev device dir direction dmac dport egid enforcing entries errno euid fam family fd fe
    feature fi file flags format fp fsgid fsuid fver gid grantors grp hook hostname icmp_type id igid
    img-ctx inif inode inode_gid inode_uid invalid_context ioctlcmd ip ipid ipx-net item items iuid
    kernel key kind ksize len list mac macproto maj major minor mode model msg nargs net new new-chardev
    new-disk new-enabled new-fs new-level new-log_passwd new-mem new-net new-range new-rng new-role
    new-seuser new-vcpu new_gid new_lock new_pe new_pi new_pp nlnk-fam nlnk-grp nlnk-pid node oauid obj
    obj_gid obj_uid ocomm oflag ogid old old-auid old-chardev old-disk old-enabled old-fs old-level
    old-log_passwd old-mem old-net old-range old-rng old-role old-ses old-seuser old-vcpu old_enforcing
    old_lock old_pa old_pe old_pi old_pp old_prom old_val op opid oses ouid outif pa parent path pe per
    perm perm_mask permissive pfs pi pp printer prog-id prom prot proto qbytes range rdev reason removed
    requested_mask res resrc result role rport saddr sauid scontext selected-context seperm seperms
    seqno seresult ses seuser sgid sigev_signo smac spid sport state subj suid table tclass tcontext
    terminal tty unit uri user uuid val ver virt vm vm-ctx vm-pid watch
    ARCH AUID EGID EUID FSGID FSUID GID OGID OUID SGID SUID UID
    """
)
"""Fields of auditd's records that no event tells: the names of the Linux audit project's field dictionary."""

SIGMA = _names(
    """
    Company CreationUtcTime Description DestinationIsIpv6 DestinationPortName FileVersion Hashes Imphash
    IntegrityLevel LogonGuid LogonId OriginalFileName ParentIntegrityLevel ParentUser
    PreviousCreationUtcTime Product QueryStatus RuleName SourceHostname SourceIsIpv6 SourcePortName
    TerminalSessionId UtcTime md5 sha1 sha256
    """
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
