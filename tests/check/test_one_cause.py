"""Mistakes that other rules would follow: each is told alone, whatever the platform uses beside it."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from inferspec.catalog import catalogue
from inferspec.check import check
from inferspec.load import load_text
from inferspec.model.errors import read_platform
from inferspec.resolve.fleet import Fleet

Edit = tuple[str, str]

BASE = (Path(__file__).parent.parent / "rules" / "base.yaml").read_text(encoding="utf-8")
DEFAULT: list[Edit] = [("timeout: 10m}\n  inside", "timeout: 10m, default: chat}\n  inside"), ("{gateway: inside}", "{gateway: public}")]
CROSSING: list[Edit] = [
    ("number: 123456789012}", "number: 123456789012, configCluster: usc1-prod}"),
    ("inside: {class: regional-internal, where: {stage: prod},", "inside: {class: cross-regional-internal, where: {stage: prod},"),
    ("public: {class: regional-external, where: all,", "public: {class: regional-external, where: {stage: canary},"),
    ("    - {where: all, revision: v1.7.4}", "    - {where: {cluster: euw4-prod}, revision: v1.7.4}\n    - {where: all, revision: v1.7.4}"),
]
QUEUE: list[Edit] = [
    ("inference-objective]\n  europe", "inference-objective, kueue]\n  europe"),
    ("objectives: {int", "queues:\n  assist: {team: assist, where: {cluster: usc1-prod}, quota: {l4: 8}}\n\nobjectives: {int"),
]
CANARY: Edit = ("    scale: {metric: queue", "    canary: {weight: 10, where: all}\n    scale: {metric: queue")
SEARCH: list[Edit] = [(o, n.replace("assist: {team: assist", "search: {team: search").replace("{l4", "{h100: 9, l4")) for o, n in QUEUE]
RECORDS: list[Edit] = [
    ("tls: {certificate: llm}", "tls: {certificate: llm}, dns: {zone: acme-example}, default: chat"),
    ("inside: {class: regional-internal,", "inside: {class: regional-external, tls: {certificate: inside},"),
]
NOWHERE: Edit = ("    where: {stage: prod}\n    maxModelLen: 4096", "    where: {stage: prodd}\n    maxModelLen: 4096")


def edited(text: str, edits: list[Edit]) -> str:
    for old, new in edits:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        text = text.replace(old, new)
    return text


def told(text: str) -> Counter[tuple[str, str]]:
    """Codes with their places."""
    document, problems = load_text(text)
    assert document is not None
    platform, shape = read_platform(document)
    assert platform is not None
    last = check(Fleet(platform, catalogue()), document, date(2026, 11, 21))[1]
    return Counter((d.code, str(d.path)) for d in [*problems, *shape, *last])


@pytest.mark.parametrize(
    ("beside", "mistake", "code"),
    [
        pytest.param(DEFAULT, NOWHERE, "SPC010", id="default-selector"),
        pytest.param(CROSSING, ("zones: [a, b]", "zones: [a, 3]"), "SPC003", id="region-lost-cluster"),
        pytest.param(QUEUE, NOWHERE, "SPC010", id="queue-selector"),
        pytest.param([CANARY, *SEARCH], ("{h100: 9, l4: 8}", "{l4: 8}"), "CAP128", id="class-of-several-servers"),
        pytest.param([], ("  europe-west4:\n    proxySubnet", "  europe-west44:\n    proxySubnet"), "CAT003", id="region"),
        pytest.param([], ("      euw4-prod:", "      usc1-prod:"), "SPC007", id="two-clusters-of-one-name"),
        pytest.param([], ("l4: {shape: [", "l4: {teams: [assistt], shape: ["), "SPC006", id="teams-of-a-class"),
        pytest.param([], ("tls: {certificate: llm}", "tls: {secret: llm}"), "SPC001", id="certificate"),
        pytest.param(RECORDS, ("host: llm.internal.acme.example", "host: llm.acme.example"), "GTW105", id="host-with-records"),
    ],
)
def test_one_mistake_is_one_finding_more(beside: list[Edit], mistake: Edit, code: str) -> None:
    sound = edited(BASE, beside)
    more = told(edited(sound, [mistake])) - told(sound)
    assert [found for found, _ in more.elements() if found != "SPC012"] == [code], more
