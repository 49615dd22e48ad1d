"""What `inferspec diff` tells of a change: every object and field of every cluster that differs, each once, and nothing else."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from inferspec.changes import ADDED, CHANGED, REMOVED, Changes, changes
from inferspec.emit.tree import cluster_objects
from inferspec.tools import ToolError
from inferspec.tools.git import checkout, commit

from tests import line

Edit = Callable[[Any], None]


def told(name: str, edit: Edit) -> Changes:
    spec = line.data(name)
    edit(spec)
    fleet = line.resolved(line.written(spec))
    return changes((line.fleet_plan(name), line.fleet(name)), (line.planned(line.written(spec)), fleet))


def trees(name: str, edit: Edit | None = None) -> dict[str, dict[str, Any]]:
    """Cluster -> identity with its API -> manifest."""
    spec = line.data(name)
    if edit is not None:
        edit(spec)
    plan = line.planned(line.written(spec))
    return {
        cluster.name: {f"{i} ({i.api_version})": tree for part in cluster_objects(plan, cluster).values() for i, tree in part.items()}
        for cluster in plan.clusters
    }


def shorter(spec: Any) -> None:
    spec["serving"]["chat"]["maxModelLen"] = 8192


def one_cluster(spec: Any) -> None:
    spec["serving"]["chat"]["overrides"].append({"where": {"cluster": "usc1-prod"}, "scale": {"min": 3, "max": 9}})


def without_canary(spec: Any) -> None:
    del spec["serving"]["chat"]["canary"]


def other_stack(spec: Any) -> None:
    spec["stack"] = "llm-d-router-0.10"


def aliased(spec: Any) -> None:
    spec["serving"]["tools"]["aliases"] = {"helper": "gpt-oss-20b"}


EDITS = [("platform", shorter), ("platform", one_cluster), ("platform", without_canary), ("platform", aliased), ("quickstart", other_stack)]


@pytest.mark.parametrize(("name", "edit"), EDITS, ids=[edit.__name__ for _, edit in EDITS])
def test_it_names_exactly_the_objects_that_differ(name: str, edit: Edit) -> None:
    before, after = trees(name), trees(name, edit)
    found = {(change.what, change.subject, cluster) for change in told(name, edit).changes for cluster in change.clusters}
    wanted = set()
    for cluster in before:
        for subject in {*before[cluster], *after[cluster]}:
            was, now = before[cluster].get(subject), after[cluster].get(subject)
            if was is None or now is None:
                wanted.add((ADDED if was is None else REMOVED, subject, cluster))
            elif was != now:
                wanted.add((CHANGED, subject.rpartition(" (")[0], cluster))
    assert {one for one in found if ".json" not in one[1]} == wanted and wanted


def test_a_change_of_many_clusters_is_told_once_with_the_line_behind_it() -> None:
    found = told("platform", shorter)
    (gpu,) = [change for change in found.changes if change.subject == "Deployment assist-llm/chat-gpu"]
    assert gpu.clusters == ["euw4-prod", "usc1-canary", "usc1-dev", "usc1-prod"] and gpu.rolls
    (field,) = gpu.differences
    assert field.path == "spec.template.spec.containers[server].args[--max-model-len]"
    assert (field.before, field.after, field.because) == ("--max-model-len=16384", "--max-model-len=8192", ("serving.chat.maxModelLen",))
    assert not found.chips


def test_what_is_not_in_a_pods_template_replaces_no_pods_and_chips_are_counted() -> None:
    found = told("platform", one_cluster)
    assert not any(change.rolls for change in found.changes)
    assert {change.subject for change in found.changes} >= {"HorizontalPodAutoscaler assist-llm/chat-gpu"}
    (before, after) = found.chips["h100-80gb"]
    assert list(found.chips) == ["h100-80gb"] and after - before == 1


def test_another_stack_by_one_word_changes_groups_images_flags_and_names_of_metrics() -> None:
    found = told("quickstart", other_stack)
    said = {change.subject: change for change in found.changes}
    assert said["InferenceObjective assistants/chat-interactive (llm-d.ai/v1alpha2)"].what == ADDED
    assert said["InferenceObjective assistants/chat-interactive (inference.networking.x-k8s.io/v1alpha2)"].what == REMOVED
    picker = {d.path: d for d in said["Deployment assistants/chat-picker"].differences}
    image = picker["spec.template.spec.containers[picker].image"]
    assert (str(image.before), str(image.after)) == (
        "registry.k8s.io/gateway-api-inference-extension/epp:v1.5.0", "ghcr.io/llm-d/llm-d-router-endpoint-picker:v0.10.0",
    ) and image.because == ("stack",)  # fmt: skip
    (rule,) = [d for d in said["Rules assistants/chat-alerts"].differences if "inference_pool_ready_pods" in str(d.before)]
    assert "llm_d_epp_ready_endpoints" in str(rule.after)
    assert "Deployment assistants/chat" in said and not any("InferencePool" in subject for subject in said), "the pool stays"


def test_nothing_changes_where_nothing_does() -> None:
    assert not told("platform", lambda spec: None)


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "platform.yaml").write_text(line.text("quickstart"))
    for arguments in (["init", "-q"], ["add", "-A"], ["-c", "user.email=a@acme.example", "-c", "user.name=a", "commit", "-qm", "first"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


def test_the_command_compares_with_a_commit(repository: Path) -> None:
    done = line.inferspec("diff", cwd=repository)
    assert (done.returncode, done.stdout) == (0, "nothing changes\n"), done.stderr
    spec = repository / "specs" / "platform.yaml"
    spec.write_text(spec.read_text().replace("maxModelLen: 8192", "maxModelLen: 4096"))
    done = line.inferspec("diff", "HEAD", cwd=repository)
    assert done.returncode == 5, done.stderr
    assert '"--max-model-len=8192" -> "--max-model-len=4096"    serving.chat.maxModelLen' in done.stdout
    assert done.stdout.endswith("1 changed, in 1 cluster\nPods are replaced of Deployment assistants/chat\n")
    told = json.loads(line.inferspec("diff", "--format", "json", cwd=repository).stdout)
    assert told["version"] == 1 and told["changes"][0]["replacesPods"] is True and len(told["commit"]) == 40
    page = line.inferspec("diff", "--format", "markdown", cwd=repository).stdout
    assert page.startswith("- 1 changed, in 1 cluster\n") and "```diff\n~ Deployment" in page
    assert not (repository / "overlays").exists(), "nothing is written"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["no-such"], "git knows no commit no-such"),
        (["--", "--output=/tmp/x"], "git knows no commit --output=/tmp/x"),
        (["--only", "usc1-prod"], "there is no cluster usc1-prod"),
    ],
)
def test_what_cannot_be_compared_is_said(repository: Path, arguments: list[str], says: str) -> None:
    done = line.inferspec("diff", *arguments, cwd=repository)
    assert done.returncode == 3 and says in done.stderr and "Traceback" not in done.stderr


def test_without_a_repository_or_with_a_spec_that_is_new_or_broken_it_says_so(repository: Path, tmp_path_factory: Any) -> None:
    lone = tmp_path_factory.mktemp("lone")
    (lone / "specs").mkdir()
    (lone / "specs" / "platform.yaml").write_text(line.text("quickstart"))
    done = line.inferspec("diff", cwd=lone)
    assert done.returncode == 3 and "not a git repository" in done.stderr
    (repository / "specs" / "other.yaml").write_text(line.text("quickstart"))
    done = line.inferspec("diff", "-f", "specs/other.yaml", cwd=repository)
    assert done.returncode == 3 and "all of it is new" in done.stderr
    spec = yaml.safe_load(line.text("quickstart"))
    spec["serving"]["chat"]["model"] = "none@v1"
    (repository / "specs" / "platform.yaml").write_text(line.written(spec))
    done = line.inferspec("diff", cwd=repository)
    assert done.returncode == 1 and "SPC006" in done.stdout


def test_nothing_of_the_repository_is_run(repository: Path) -> None:
    """A program named git in the repository, and a hook that git itself would start."""
    marker = repository / "ran"
    for place in (repository / "git", repository / ".git" / "hooks" / "fsmonitor"):
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"#!/bin/sh\ntouch {marker}\n")
        place.chmod(0o755)
    subprocess.run(["git", "config", "core.fsmonitor", ".git/hooks/fsmonitor"], cwd=repository, check=True)
    done = line.inferspec("diff", cwd=repository, environment={"PATH": f".:{_path()}"})
    assert done.returncode == 0 and not marker.exists(), done.stderr


def test_attributes_of_the_repository_neither_hide_nor_filter_the_old_side(repository: Path) -> None:
    """The change itself brings the attributes, and the configuration has a filter that they name."""
    marker = repository / "ran"
    git = ["git", "-c", "user.email=a@acme.example", "-c", "user.name=a"]
    (repository / ".gitattributes").write_text("specs/*.yaml export-ignore export-subst filter=run\n")
    subprocess.run([*git, "add", "-A"], cwd=repository, check=True)
    subprocess.run([*git, "commit", "-qm", "second"], cwd=repository, check=True)
    subprocess.run(["git", "config", "filter.run.smudge", f"touch {marker}; cat"], cwd=repository, check=True)
    done = line.inferspec("diff", cwd=repository)
    assert (done.returncode, done.stdout) == (0, "nothing changes\n"), done.stderr
    assert not marker.exists()


def test_links_of_the_commit_lead_nowhere_else(repository: Path, tmp_path_factory: Any) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.yaml").write_text("a: 1\n")
    (repository / "link").symlink_to(outside)
    (repository / "up").symlink_to("../..")
    (repository / "loop").symlink_to("loop")
    (repository / "specs" / "other.yaml").symlink_to("platform.yaml")
    (repository / "within").symlink_to("specs")
    for arguments in (["add", "-A"], ["-c", "user.email=a@acme.example", "-c", "user.name=a", "commit", "-qm", "second"]):
        subprocess.run(["git", *arguments], cwd=repository, check=True)
    assert line.inferspec("diff", "-f", "specs/platform.yaml", cwd=repository).stdout == "nothing changes\n"
    target = tmp_path_factory.mktemp("target")
    checkout(repository, commit(repository, "HEAD"), target)
    found = sorted(path.relative_to(target).as_posix() for path in target.rglob("*"))
    assert found == ["loop", "specs", "specs/other.yaml", "specs/platform.yaml", "within"]
    assert (target / "specs/other.yaml").read_text() == line.text("quickstart")


def test_what_is_too_large_is_not_read(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inferspec.tools.git.MOST_BYTES", 1000)
    with pytest.raises(ToolError, match="larger than"):
        checkout(repository, commit(repository, "HEAD"), tmp_path / "target")


def _path() -> str:
    import os

    return os.environ["PATH"]


def test_another_revision_of_a_wave_is_the_one_change() -> None:
    def promoted(spec: Any) -> None:
        spec["delivery"]["waves"][2]["revision"] = "v9.9.9"

    found = told("platform", promoted)
    assert {change.subject.partition(" ")[0] for change in found.changes} == {"RootSync"}
    fields = {(d.path, d.after, *d.because) for change in found.changes for d in change.differences}
    assert fields == {("spec.git.revision", "v9.9.9", "delivery.waves[2].revision")}
    assert {name for change in found.changes for name in change.clusters} == {"euw4-prod", "usc1-prod", "use5-prod", "acme-config"}


def test_another_team_comes_with_its_rootsync() -> None:
    def another(spec: Any) -> None:
        spec["teams"]["search"] = {"namespace": "search-llm"}
        spec["serving"]["moderation"]["team"] = "search"

    found = told("platform", another)
    assert any(change.what == ADDED and change.subject.startswith("RootSync config-management-system/search ") for change in found.changes)
