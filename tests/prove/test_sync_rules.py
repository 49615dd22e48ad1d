"""Config Sync's rules over the golden cases of ``knv/``: each case names exactly the codes it must give, none for what is
accepted."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from inferspec.prove.config_sync import check_sync_dir, check_syncs, parse_files
from inferspec.prove.sync_objects import is_local

CASES = sorted((Path(__file__).parent / "knv").glob("*.yaml"))
ALL_CODES = {
    "KNV1004",
    "KNV1005",
    "KNV1010",
    "KNV1011",
    "KNV1013",
    "KNV1029",
    "KNV1031",
    "KNV2010",
    "KNV1032",
    "KNV1034",
    "KNV1036",
    "KNV1043",
    "KNV1045",
    "KNV1048",
    "KNV1050",
    "KNV1052",
    "KNV1053",
    "KNV1054",
    "KNV1055",
    "KNV1056",
    "KNV1057",
    "KNV1058",
    "KNV1061",
    "KNV1066",
    "KNV1068",
    "KNV1069",
    "KNV1070",
    "KNV2001",
    "KNV2009",
}


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
def test_case(path: Path) -> None:
    case = yaml.safe_load(path.read_text())
    found = check_sync_dir(case["files"], sync=case.get("sync"), limit=5)
    assert sorted({f.code for f in found}) == case["codes"], found
    for finding in found:
        assert finding.message
        assert finding.file in case["files"] or finding.code == "KNV1070"


def test_every_code_has_a_case() -> None:
    covered = {code for path in CASES for code in yaml.safe_load(path.read_text())["codes"]}
    assert covered >= ALL_CODES


def test_rendered_objects_are_checked_with_their_own_paths() -> None:
    files = {"kustomization.yaml": "resources: [../../base]\n"}
    bad = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "A_b", "namespace": "ns1"}}
    (finding,) = check_sync_dir(files, [("base/a.yaml", bad)])
    assert (finding.code, finding.object, finding.field, finding.file) == ("KNV1036", "ConfigMap ns1/A_b", "/metadata/name", "base/a.yaml")


def test_the_default_threshold_is_the_recommended_one() -> None:
    one = {"apiVersion": "v1", "kind": "ConfigMap"}
    objects = [("a.yaml", one | {"metadata": {"name": f"c{i}", "namespace": "ns1"}}) for i in range(1001)]
    assert [f.code for f in check_sync_dir({}, objects)] == ["KNV1070"]
    assert check_sync_dir({}, objects[:1000]) == []


def test_two_syncs_never_manage_one_object() -> None:
    shared = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "chat"}}
    other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "chat"}}
    (finding,) = check_syncs({"platform": [("p.yaml", shared)], "search": [("s.yaml", shared), ("s.yaml", other)]})
    assert finding.code == "KNV1060"
    assert "platform (p.yaml), search (s.yaml)" in finding.message
    handed_over = shared | {"metadata": {"name": "chat", "annotations": {"configmanagement.gke.io/managed": "disabled"}}}
    assert check_syncs({"platform": [("p.yaml", shared)], "search": [("s.yaml", handed_over)]}) == []


def test_parsing_leaves_kustomizations_and_other_files_out() -> None:
    placed, found = parse_files({"kustomization.yaml": "resources: []", "notes.txt": "a: [", "a.json": '{"apiVersion": "v1", "kind": "X"}'})
    assert found == []
    assert [path for path, _ in placed] == ["a.json"]


@pytest.mark.parametrize(("value", "local"), [("true", True), ("yes", True), ("", True), ("false", False)])
def test_local_config(value: str, local: bool) -> None:
    assert is_local({"metadata": {"annotations": {"config.kubernetes.io/local-config": value}}}) is local
