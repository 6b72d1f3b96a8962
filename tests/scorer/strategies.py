"""Small worlds in which plans and events meet often."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from workbench.scorer.plan import Predicate

TEXT = st.text(alphabet="abAB.*ßẞσςΣ/ \nIıİ\U0001f600", max_size=6)
FIELDS = ("process.executable", "process.command_line", "user.name", "process.args")
NUMBERS = ("process.pid", "destination.port")
ADDRESSES = st.sampled_from(["10.0.0.1", "10.1.2.3", "::ffff:10.0.0.1", "2001:db8::1", "fe80::1", "x", ""])
KINDS = [("process", "exec"), ("file", "open"), ("network", "connect")]


def parts() -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from([0, 1, "a", "B", "ab", "/"]), min_size=1, max_size=5)


predicates = st.one_of(
    st.builds(
        Predicate,
        st.sampled_from((*FIELDS, "")),
        st.sampled_from(["contains", "startswith", "endswith", "equals"]),
        TEXT,
        st.booleans(),
    ),
    st.builds(Predicate, st.sampled_from(FIELDS), st.just("like"), parts(), st.booleans()),
    st.builds(
        Predicate,
        st.sampled_from((*FIELDS, "")),
        st.just("regex"),
        st.sampled_from(["a+", "^a", "b$", "(?i)ab", "[^a]b", "a|B", "(?s)a.b", "ß", "(?i)σ", "x*", "a{2}"]),
        st.just(value=True),
    ),
    st.builds(Predicate, st.sampled_from((*FIELDS, *NUMBERS)), st.just("null")),
    st.builds(Predicate, st.sampled_from((*FIELDS, *NUMBERS)), st.just("exists"), st.booleans()),
    st.builds(
        Predicate,
        st.sampled_from(NUMBERS),
        st.sampled_from(["lt", "lte", "gt", "gte", "equals"]),
        st.integers(0, 9),
    ),
    st.builds(
        Predicate,
        st.just("destination.ip"),
        st.just("cidr"),
        st.sampled_from(["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32", "fe80::/10", "0.0.0.0/0", "::/0"]),
    ),
    st.builds(
        Predicate,
        st.sampled_from(FIELDS),
        st.just("fieldref"),
        st.tuples(st.sampled_from(FIELDS), st.sampled_from(["whole", "start", "end", "any"])),
    ),
    st.builds(
        Predicate,
        st.just("@timestamp"),
        st.just("time"),
        st.tuples(st.sampled_from(["minute", "hour"]), st.integers(0, 2)),
    ),
)


def conditions(count: int) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.integers(0, count - 1),
        lambda inner: st.one_of(
            st.tuples(st.just("not"), inner).map(list),
            st.lists(inner, min_size=1, max_size=4).map(lambda found: ["and", *found]),
            st.lists(inner, min_size=1, max_size=4).map(lambda found: ["or", *found]),
        ),
        max_leaves=8,
    )


events = st.fixed_dictionaries(
    {"@timestamp": st.integers(0, 3 * 3_600 * 10**9), "kind": st.sampled_from(KINDS)},
    optional={
        **dict.fromkeys(FIELDS[:3], TEXT),
        "process.args": st.lists(TEXT, max_size=3),
        **dict.fromkeys(NUMBERS, st.integers(0, 9)),
        "destination.ip": ADDRESSES,
    },
).map(lambda raw: {**raw, "event.category": raw["kind"][0], "event.action": raw["kind"][1]})
