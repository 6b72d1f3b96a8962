"""What a run is called does not tell what it does: a classifier on names alone is at chance."""

from __future__ import annotations

import math

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from capture.lab.dialogue import make_script
from capture.lab.driver import driver_for
from capture.lab.scenario import load
from capture.lab.stage import in_world, make_world

FAMILIES = ["secret-to-egress", "dns-label-exfil", "trojan-mcp", "test-tamper", "weights-exfil"]
SEEDS = 40


def names_of(scenario: str, seed: int) -> str:
    """Give every name, path, id, port and address of a run, but nothing of what it does."""
    loaded = load(scenario)
    world = make_world(loaded, seed)
    script = make_script(in_world(loaded, world), driver_for("mcp-client"), world)
    hosts = sorted(f"{host.name} {host.address}" for host in world.hosts.values() if host.kind == "external")
    drawn = [world.values[name] for name in ("word1", "word2", "file1", "file2", "port1", "port2", "remote")]
    ids = [turn.id for turn in script.turns[:3]]
    return " ".join([world.repository, world.session, world.machine, world.subnet, hosts[0], *drawn, *ids])


def test_names_alone_do_not_tell_malicious_from_benign_nor_the_scenario() -> None:
    runs = [
        (family, twin, names_of(family + twin, seed=1_000 * number + seed))
        for number, family in enumerate(FAMILIES)
        for twin_number, twin in enumerate(["", "-benign"])
        for seed in range(500 * twin_number, 500 * twin_number + SEEDS)
    ]
    texts = [text for _, _, text in runs]
    for target, chance in (([f for f, _, _ in runs], 1 / len(FAMILIES)), ([t for _, t, _ in runs], 0.5)):
        model = make_pipeline(
            TfidfVectorizer(analyzer="char", ngram_range=(1, 3), max_features=3_000),
            LogisticRegression(max_iter=300),
        )
        accuracy = cross_val_score(model, texts, target, cv=4).mean()
        assert accuracy < chance + 3.5 * math.sqrt(chance * (1 - chance) / len(runs))
