"""``inferspec fit``: the account as a table and as JSON, equal to what the rules say."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path

from inferspec.catalog import catalogue
from inferspec.cli import main

from tests import line
from tests.cli.conftest import Run

GIB = 2**30


def test_a_table(run: Run) -> None:
    done = run("fit")
    assert done.returncode == 0, done.stderr
    head, row, *_ = done.stdout.splitlines()
    assert head.split()[:4] == ["workload", "shape", "chips", "budget"]
    assert row.split()[:5] == ["chat", "g2-standard-8", "1", "22.1", "1.9"] and row.split()[-2:] == ["fits", "usc1-demo"]


def test_json_adds_up(run: Run) -> None:
    [account] = json.loads(run("fit", "chat", "--format", "json").stdout)
    chip = account["aChip"]
    budget = chip["memoryBytes"] * chip["utilisation"]
    static = chip["weightsBytes"] + chip["draftBytes"] + chip["adapterBytes"] + chip["reserveBytes"]
    spent = static + chip["requestBytes"] * chip["requests"] + chip["nullBlockBytes"]
    assert abs(budget - spent - chip["headroomBytes"]) < 4
    assert abs(chip["concurrency"] - (budget - static) / chip["requestBytes"]) < 0.001
    assert chip["longestTokens"] <= 32768, "no longer than the model was made for"


def test_load_times_of_every_storage_path(run: Run) -> None:
    [account] = json.loads(run("fit", "chat", "--format", "json").stdout)
    paces = catalogue().default("load.throughput")
    assert account["loadSeconds"] == {path: math.ceil(1_999_771_904 / pace) for path, pace in paces.items()}
    assert account["readBy"] == "gcs-fuse"
    heads, row = next(pair for pair in pairwise(run("fit").stdout.splitlines()) if pair[0].startswith("load, s"))
    assert heads.split()[2:] == list(paces) and row.split()[:2] == ["gemma-3-1b", "4*"]


def test_verdicts_are_explained_and_what_has_no_cache_has_no_figures_of_one(run: Run) -> None:
    said = run("fit", "-C", str(line.ROOT), "-f", "specs/reference.yaml").stdout.splitlines()
    rows = [told.split() for told in said[1 : said.index("")]]
    assert [row[-4:-2] for row in rows if row[0] == "sdxl-v5e"] == [["-", "-"]]
    assert any(told.startswith("marginal: the headroom is less than the reserve") for told in said)
    assert not any(told.startswith("does not fit: ") for told in said), "no verdict that is not there"


def test_a_model_read_in_two_ways_has_one_row(run: Run) -> None:
    said = run("fit", "-C", str(line.ROOT), "-f", "specs/reference.yaml").stdout.splitlines()
    loads = [told.split() for told in said[next(i for i, told in enumerate(said) if told.startswith("load, s")) + 1 : -2]]
    assert len({row[0] for row in loads}) == len(loads)
    assert any(sum(cell.endswith("*") for cell in row) == 2 for row in loads)


def test_what_does_not_fit_is_shown_and_fails(repository: Path, run: Run) -> None:
    spec = repository / "specs/quickstart.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("gemma-3-1b", "gemma-3-27b"), encoding="utf-8")
    done = run("fit")
    assert done.returncode == 1 and "does not fit" in done.stdout


def test_an_unknown_service_and_a_broken_spec(repository: Path, run: Run) -> None:
    done = run("fit", "chatt")
    assert done.returncode == 3 and "did you mean chat?" in done.stderr
    spec = repository / "specs/quickstart.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("team: assistants", "team: asistants"), encoding="utf-8")
    broken = run("fit")
    assert broken.returncode == 1 and "SPC006" in broken.stdout


def test_clusters_with_one_account_share_a_row(tmp_path: Path, capsys: object) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/fleet.yaml").write_text(line.text("fleet"), encoding="utf-8")
    assert main(["fit", "-C", str(tmp_path), "--format", "json"]) == 0
    accounts = json.loads(capsys.readouterr().out)  # type: ignore[attr-defined]
    seen = [(a["workload"], a["model"], a["shape"], json.dumps(a["aChip"], sort_keys=True)) for a in accounts]
    assert len(seen) == len(set(seen)) and any(len(a["clusters"]) > 1 for a in accounts)


def test_a_mistake_elsewhere_hides_no_account(run: Run, repository: Path) -> None:
    spec = repository / "specs/quickstart.yaml"
    text = spec.read_text(encoding="utf-8")
    other = "  other: {team: assistants, model: gemma-4@v1, engine: vllm, capacity: l4, where: all}\n"
    spec.write_text(text.replace("serving:\n", f"serving:\n{other}").replace("maxModelLen: 8192", "maxModelLen: 4000000"), encoding="utf-8")
    done = run("fit")
    assert done.returncode == 1 and [row.split()[0] for row in done.stdout.splitlines()[1:2]] == ["chat"]
    assert "the spec has other errors, which 'inferspec vet' tells: without other" in done.stderr
    alone = run("fit", "other")
    assert alone.returncode == 1 and "SPC006" in alone.stdout


def test_a_kv_cache_of_given_size_is_in_the_account(run: Run, tmp_path: Path) -> None:
    spec = (line.ROOT / "specs/quickstart.yaml").read_text(encoding="utf-8")
    (tmp_path / "quickstart.yaml").write_text(
        spec.replace("    engine: vllm\n", "    engine: vllm\n    flags: {kv-cache-memory-bytes: 2g}\n")
    )
    [account] = json.loads(run("fit", "-C", str(tmp_path), "-f", "quickstart.yaml", "--format", "json").stdout)
    chip = account["aChip"]
    assert chip["kvCacheBytes"] == 2_000_000_000
    assert abs(chip["headroomBytes"] - (2_000_000_000 - chip["requestBytes"] * chip["requests"] - chip["nullBlockBytes"])) < 4
