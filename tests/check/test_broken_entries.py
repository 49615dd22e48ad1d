"""An entry with a mistake is told once: what rests on it is left alone, and nothing breaks."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from inferspec.diagnostics import Diagnostic, Severity, format_path
from inferspec.pipeline import Request, vet
from inferspec.plan.fleet import plan

BASE = (Path(__file__).parent.parent / "rules" / "base.yaml").read_text(encoding="utf-8")


def found(folder: Path, *edits: tuple[str, str]) -> list[Diagnostic]:
    text = BASE
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (folder / "platform.yaml").write_text(text)
    return vet(Request(folder / "platform.yaml", folder, date(2026, 11, 21))).diagnostics


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("id: acme-lab", "id: Lab", "projects.lab.id"),
        ("namespace: assistants", "namespace: Assistants", "teams.assist.namespace"),
        ("zone: a, shape", "zone: 1, shape", "regions.us-central1.reservations.chat.zone"),
        ("mode: standard", "mode: none", "regions.europe-west4.clusters.euw4-prod.mode"),
        ("version: 7", "version: latest", "secrets.hugging-face.version"),
        ("read: gcs-fuse", "read: nfs", "storage.weights.read"),
        ("hf://Qwen/Qwen3-8B", "Qwen3-8B", "models.qwen.source"),
        ("topology: 2x2", "topology: two", "capacityClasses.trillium.topology"),
        ("    maxModelLen: 8192", "    maxModelLen: long", "serving.chat.maxModelLen"),
        ("interactive: 10,", "interactive: 5000,", "objectives.interactive"),
        ("host: llm.internal.acme.example", "host: llm", "gateways.inside.host"),
        ("auth: token, secretRef", "auth: password, secretRef", "delivery.configSync.auth"),
    ],
)
def test_one_error_for_one_broken_entry(old: str, new: str, place: str, tmp_path: Path) -> None:
    errors = [d for d in found(tmp_path, (old, new)) if d.severity is Severity.ERROR]
    assert [format_path(d.path) for d in errors] == [place]


def test_a_broken_service_does_not_hide_another(tmp_path: Path) -> None:
    told = found(
        tmp_path, ("    maxModelLen: 8192", "    maxModelLen: long"), ("    capacity: l4\n", "    capacity: l4\n    tensorParallel: 2\n")
    )
    assert {"SPC003", "ACC101"} == {d.code for d in told if d.severity is Severity.ERROR}


def test_a_model_of_two_teams_has_a_writer_in_each_namespace(tmp_path: Path) -> None:
    """Buckets of two locations, each first read by another team."""
    text = BASE.replace("  draft:\n    team: assist\n", "  draft:\n    team: search\n").replace(
        "    where: {stage: prod}\n    maxModelLen", "    where: {cluster: usc1-prod}\n    maxModelLen"
    )
    (tmp_path / "platform.yaml").write_text(text.replace("host: llm.internal", "host: inner"))
    outcome = vet(Request(tmp_path / "platform.yaml", tmp_path, date(2026, 11, 21)))
    assert outcome.fleet is not None and not outcome.failed
    drawn, _ = plan(outcome.fleet)
    writers = {str(o.identity) for c in drawn.clusters for group in c.facets.values() for o in group if o.identity.name == "qwen-weights"}
    assert writers == {"ServiceAccount assistants/qwen-weights", "ServiceAccount search-llm/qwen-weights"}


def test_verbs_agree_with_how_many_clusters(tmp_path: Path) -> None:
    admit = "security: {binaryAuthorization: project-policy}"
    one = ("        gke: {channel: regular,", f"        {admit}\n        gke: {{channel: regular,")
    two = ("        labels: {residency: eu}\n", f"        labels: {{residency: eu}}\n        {admit}\n")
    for edits, said in (((one,), "usc1-prod admits images"), ((one, two), "euw4-prod, usc1-prod admit images")):
        assert [d.message.partition(" by ")[0] for d in found(tmp_path, *edits) if d.code == "SEC116"] == [said]
