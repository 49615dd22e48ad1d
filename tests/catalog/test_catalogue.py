"""The catalogue by itself: every row reads, says its source and date, and refers to rows that exist."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
import yaml
from inferspec.catalog import PACKAGE, Catalogue, CatalogueError, catalogue
from inferspec.catalog.engines import version_key
from inferspec.catalog.reader import read
from inferspec.catalog.record import Record, build, camel, mapped, nested, optional
from inferspec.catalog.rows import Row
from inferspec.catalog.table import merge
from inferspec.catalog.team import overlay

TABLES = ("accelerators", "machines", "regions", "storage_locations", "models", "defaults", "availability")
PLATFORMS = ("gpu", "tpu", "cpu")


@pytest.fixture(scope="module")
def facts() -> Catalogue:
    return catalogue()


@pytest.mark.parametrize("name", TABLES)
def test_every_row_reads_and_says_where_it_comes_from(facts: Catalogue, name: str) -> None:
    table = getattr(facts, name)
    assert len(table) > 10
    for key, row in table.items():
        assert row.id == key
        assert row.source
        assert row.source != "the source of each row"
        assert date.fromisoformat(row.as_of) <= date(2026, 11, 21)


@pytest.mark.parametrize("path", sorted(Path(PACKAGE).rglob("*.yaml")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_file_means_the_same_to_every_reader(path: Path) -> None:
    assert dict(read(str(path.parent), path.stem) or {}) == yaml.load(path.read_text(), Loader=yaml.CSafeLoader)


def test_machines_refer_to_accelerators_and_topologies_divide(facts: Catalogue) -> None:
    for machine in facts.machines.values():
        assert set(machine.consumption) | set(machine.doubtful) <= {"on-demand", "spot", "flex-start", "reservation"}
        assert not set(machine.consumption) & set(machine.doubtful)
        assert 0 < machine.fraction <= 1
        if machine.accelerator:
            assert machine.chips > 0
            chip = facts.accelerators[machine.accelerator]
            assert (chip.kind == "tpu") == bool(machine.topologies)
            assert chip.family == machine.family
        for name in machine.topologies:
            topology = facts.topology(machine.id, name)
            assert topology is not None
            assert topology.hosts * topology.chips_per_host == topology.chips


def test_slices(facts: Catalogue) -> None:
    one, two = facts.topology("ct6e-standard-8t", "2x4"), facts.topology("ct6e-standard-4t", "2x4")
    assert one is not None and not one.multi_host and one.hosts == 1
    assert two is not None and two.multi_host and two.hosts == 2
    cube = facts.topology("ct5p-hightpu-4t", "4x8x12")
    assert cube is not None and cube.hosts == 96
    for machine, name in (
        ("ct5p-hightpu-4t", "8x4x4"),
        ("ct5p-hightpu-4t", "4x4x6"),
        ("ct5p-hightpu-4t", "16x24x24"),
        ("ct6e-standard-1t", "2x2"),
        ("ct6e-standard-4t", "4x4x4"),
        ("g2-standard-8", "1x1"),
        ("nope", "1x1"),
        ("ct6e-standard-4t", "x"),
        ("ct5p-hightpu-4t", "0x4x4"),
    ):
        assert facts.topology(machine, name) is None, (machine, name)


def test_places(facts: Catalogue) -> None:
    assert facts.locations_holding("us-central1") == ["us-central1", "nam4", "us"]
    assert facts.locations_holding("europe-west4") == ["europe-west4", "eur4", "eu"]
    for row in facts.storage_locations.values():
        assert all(region in facts.regions for region in row.regions)


def test_availability(facts: Catalogue) -> None:
    assert facts.seen("a3-highgpu-1g", "europe-west4") == ("europe-west4-b", "europe-west4-c")
    assert facts.seen("g4-standard-48", "us-central1") == ()
    assert facts.seen("a3-highgpu-1g", "africa-south1") is None
    for row in facts.availability.values():
        assert row.accelerator in facts.accelerators
        assert all(machine in facts.machines for machine in row.machines)
        assert all(region in facts.regions for region in row.zones)


def test_models_are_found_in_any_letter_case(facts: Catalogue) -> None:
    for name in ("google/gemma-3-27b-it", "Google/GEMMA-3-27B-it", "hf://google/gemma-3-27b-it", "gemma-3-27b-it"):
        found = facts.model(name)
        assert found is not None and found.id == "gemma-3-27b-it"
    assert facts.model("nobody/nothing") is None
    hub_ids = [row["huggingFace"].lower() for row in facts.models.data.values()]
    assert len(set(hub_ids)) == len(hub_ids)
    for model in facts.models.values():
        assert model.kind in ("llm", "diffusion", "draft", "encoder-decoder")
        assert model.attention in ("", "full", "sliding-hybrid", "chunked", "linear-hybrid", "mla")
        if model.attention == "mla":
            assert model.kv_lora_rank and model.qk_rope_head_dim
        elif model.attention:
            assert model.heads % model.kv_heads == 0
        if model.attention in ("sliding-hybrid", "linear-hybrid"):
            assert model.full_layers + model.sliding_layers + model.linear_layers in (0, model.layers)


def test_kv_bytes_follow_from_the_architecture(facts: Catalogue) -> None:
    for model in facts.models.values():
        if not model.kv_bytes_per_token:
            continue
        per_layer = model.kv_lora_rank + model.qk_rope_head_dim if model.attention == "mla" else 2 * model.kv_heads * model.head_dim
        assert model.kv_bytes_per_token == per_layer * 2 * model.layers, model.id


def test_prices(facts: Catalogue) -> None:
    price = facts.price("g2-standard-12", "us-central1")
    assert price is not None and (price.on_demand, price.spot) == (1.0004, 0.5624)
    slice_host = facts.price("ct6e-standard-8t", "us-central1")
    assert slice_host is not None and slice_host.on_demand == 21.6
    assert facts.price("a4-highgpu-8g", "us-central1") is None
    rows, _ = merge("prices", (PACKAGE,))
    for name, row in rows.items():
        assert name in facts.machines or name in facts.accelerators
        assert row["source"]
        for region, (on_demand, spot) in row["regions"].items():
            assert region in facts.regions
            assert on_demand > 0 and (spot is None or 0 < spot < on_demand), (name, region)


def test_engine_images_flags_and_metrics(facts: Catalogue) -> None:
    engine = facts.engine("vllm")
    assert engine.image("0.32.0", "gpu") == "docker.io/vllm/vllm-openai:v0.32.0"
    assert engine.image("0.32.0", "tpu") is None
    assert engine.image("9.9", "gpu") is None
    newest = engine.newest("tpu")
    assert newest is not None and newest.version == "0.27.0"
    for id, version, series in (
        ("itl", "0.11.2", "vllm:time_per_output_token_seconds"),
        ("itl", "0.32.0", "vllm:inter_token_latency_seconds"),
        ("kv-cache-usage", "0.9.1", "vllm:gpu_cache_usage_perc"),
        ("kv-cache-usage", "0.11.2", "vllm:kv_cache_usage_perc"),
    ):
        metric = engine.metric(id, version)
        assert metric is not None and metric.series == series
    assert engine.metric("rejections", "0.31.0") is None
    for version in engine.versions:
        assert version.flag_tables
        assert set(version.inferred) <= set(version.images) <= set(engine.repositories)
        for known in version.flag_tables:
            table = facts.flags("vllm", known)
            for role, flag in engine.flags.items():
                if not flag.since or version_key(flag.since) <= version_key(known):
                    assert table.find(flag.name) is not None, (role, known)
        ids = [m.id for m in engine.metrics if m.exists_in(version.version)]
        assert len(ids) == len(set(ids))


def test_both_stacks_name_what_exists(facts: Catalogue) -> None:
    assert facts.stacks() == ["gie-1.5", "llm-d-router-0.10"]
    for name in facts.stacks():
        stack = facts.stack(name)
        assert stack.source and stack.as_of
        for engine, by_platform in stack.engines.items():
            for platform, version in by_platform.items():
                assert facts.engine(engine).image(version, platform), (name, platform)
                assert stack.engine_version(engine, platform) == version
        assert stack.picker.image.tag not in ("", "latest", "main")
        assert set(stack.presets) == {"balanced", "prefix-heavy", "lora-heavy"}
        for ref in (stack.adapter_scorer, *(ref for preset in stack.presets.values() for ref in preset.plugins)):
            assert stack.plugins[ref.plugin].role == ("picker" if ref.weight is None else "scorer")
        words = [plugin for kind in stack.policies.values() for plugin in kind.values()]
        assert {*words, stack.detector.type, *stack.provided} <= set(stack.plugins)
        assert set(stack.detector.params.values()) <= set(stack.plugins[stack.detector.type].params)
        assert {p.rpartition(".")[2] for p in stack.fields if p != "config"} <= {field for held in stack.fields.values() for field in held}
        assert stack.apis["InferencePool"].api_version == "inference.networking.k8s.io/v1"
        covered = {resource for rule in stack.rbac for resource in rule.resources}
        assert {"pods", "inferencepools", "inferenceobjectives", "inferencemodelrewrites"} <= covered
    assert facts.stack("llm-d-router-0.10").apis["InferenceObjective"].api_version == "llm-d.ai/v1alpha2"
    assert facts.stack("gie-1.5").apis["InferenceObjective"].api_version == "inference.networking.x-k8s.io/v1alpha2"
    with pytest.raises(KeyError):
        facts.stack("common-nonsense")


def test_defaults_agree_with_the_tables_they_name(facts: Catalogue) -> None:
    flag = facts.flags("vllm", "0.32.0").find("--gpu-memory-utilization")
    assert flag is not None
    assert flag.default == facts.default("serving.gpuMemoryUtilization")
    assert all(row.reason for row in facts.defaults.values())
    with pytest.raises(KeyError):
        facts.default("no.such.key")


def test_every_default_that_the_compiler_names_exists(facts: Catalogue) -> None:
    named = {
        (path.name, key)
        for path in Path(PACKAGE).parent.rglob("*.py")
        for key in re.findall(r"""\b(?:default|Default)\("([a-zA-Z]+(?:\.[a-zA-Z]+)+)"\)""", path.read_text())
    }
    assert [(file, key) for file, key in sorted(named) if key not in facts.defaults] == []


@pytest.mark.parametrize(
    ("flag", "value", "problem"),
    [
        ("--max-model-len", "32k", ""),
        ("max-model-len", "auto", ""),
        ("--max-model-len", "-5", "wants at least -1, not -5"),
        ("--gpu-memory-utilization", "1.7", "wants at most 1, not 1.7"),
        ("--gpu-memory-utilization", "0", "wants more than 0, not 0.0"),
        ("--tensor-parallel-size", "four", "wants an integer, not 'four'"),
        ("--dtype", "int3", "wants one of auto"),
        ("--no-enable-log-requests", None, ""),
        ("--enable-prefix-caching", "false", "takes no value"),
        ("--max-num-seqs", None, "needs a value"),
        ("--speculative-config", "{bad", "wants JSON"),
        ("--speculative-config", '{"method": "ngram"}', ""),
        ("--max-model-len", "1.5K", "wants an integer (8192"),
    ],
)
def test_flag_values(facts: Catalogue, flag: str, value: str | None, problem: str) -> None:
    found = facts.flags("vllm", "0.32.0").find(flag)
    assert found is not None
    said = found.problem(value)
    assert said.startswith(problem) if problem else said == ""


def test_a_long_list_of_names_is_cut_and_the_nearest_is_named(facts: Catalogue) -> None:
    parser = facts.flags("vllm", "0.32.0").find("--reasoning-parser")
    assert parser is not None and len(parser.late.values) > 20
    said = parser.problem("Qwen-3")
    assert said.count(", ") == 8 and f" and {len(parser.late.values) - 8} more, not 'Qwen-3'; did you mean 'qwen3'?" in said
    assert "did you mean" not in parser.problem("zzz")


def test_drift_between_versions_is_visible(facts: Catalogue) -> None:
    table = {v: facts.flags("vllm", v) for v in ("0.11.2", "0.31.0", "0.32.0", "0.33.0")}
    assert [v for v, t in table.items() if t.find("--disable-log-requests")] == ["0.11.2", "0.33.0"]
    assert all(t.find("--no-enable-log-requests") for t in table.values())
    assert [v for v, t in table.items() if t.find("--swap-space")] == ["0.11.2"]
    assert table["0.32.0"].find("--tensor-paralel-size") is None
    assert table["0.32.0"].find("--tensor-parallel") is None, "a prefix is no name"
    assert table["0.32.0"].near("tensor-paralel-size")[0] == "--tensor-parallel-size"


def _team(folder: Path, text: str, name: str = "machines.yaml") -> tuple[Catalogue, list[CatalogueError]]:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return overlay(folder)


def test_a_team_overrides_and_adds_rows(tmp_path: Path) -> None:
    laid, problems = _team(
        tmp_path,
        """
rows:
- {id: g2-standard-8, memoryGiB: 31, source: measured, asOf: "2026-11-01"}
- {id: x9-mega, accelerator: l4, chips: 2, vcpu: 4, memoryGiB: 16, consumption: [spot], source: contract, asOf: "2026-11-01"}
""",
    )
    assert problems == []
    assert (laid.machines["g2-standard-8"].memory_gib, laid.machines["g2-standard-8"].vcpu) == (31, 8)
    assert laid.machines["g2-standard-8"].source == "measured"
    assert laid.machines["x9-mega"].chips == 2
    assert catalogue().machines["g2-standard-8"].memory_gib == 32


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("rows:\n- {id: g2-standard-8, memoryGiB: 31}\n", 2, "a row of your own says source and asOf"),
        ('source: x\nasOf: "2026-11-21"\nrows:\n- {id: g2-standard-8, memory: 31}\n', 4, "unknown key 'memory'"),
        ('source: x\nasOf: "2026-11-21"\nrows:\n- {id: new, vcpu: 1}\n', 4, "missing memoryGiB, consumption"),
        (
            'source: x\nasOf: "2026-11-21"\nrows:\n- {id: n, vcpu: 1, memoryGiB: 1, consumption: [spot], accelerator: h999}\n',
            4,
            "no accelerator 'h999'",
        ),
        ("rows:\n- {id: a}\n- {id: a}\n", 2, "stands here twice"),
        ("rows:\n- {id: a, id: b}\n", 2, "duplicate key"),
        ("rows: [", 1, "did not find"),
        ("rows:\n- &x {id: a}\n", 2, "anchors"),
        ("- a\n", 1, "is a mapping"),
        ("rows: [3]\n", 1, "a row is a mapping"),
        ("rows: 3\n", 1, "rows is a list"),
    ],
)
def test_a_teams_mistakes_are_values_with_a_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    _, problems = _team(tmp_path, text)
    assert problems, "nothing was found"
    assert problems[0].file == str(tmp_path / "machines.yaml")
    assert problems[0].line in (line, line + 1)
    assert any(message in p.message for p in problems), [p.message for p in problems]


def test_a_teams_engine_is_checked_too(tmp_path: Path) -> None:
    laid, problems = _team(tmp_path, "id: vllm\nport: 9000\n", "engines/vllm.yaml")
    assert problems == []
    assert laid.engine("vllm").port == 9000
    _, problems = _team(tmp_path, "id: vllm\nnope: 1\n", "engines/vllm.yaml")
    assert "unknown key 'nope'" in problems[0].message


OWN = 'source: x, asOf: "2026-11-21"'


def row(said: str) -> str:
    return f"rows:\n- {{id: {said}, {OWN}}}\n"


NEW = row("n1, vcpu: 1, memoryGiB: 1, consumption: [spot]")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("machines.yaml", NEW.replace("vcpu: 1", "vcpu: eight"), "2:18 n1: vcpu is 'eight', where a whole number from 1 belongs"),
        ("machines.yaml", NEW.replace("[spot]", "[on-demand, sppt]"), "2:60 n1: consumption[1] is 'sppt', which is none of"),
        ("machines.yaml", NEW.replace("memoryGiB: 1", "memoryGiB: -4"), "2:32 n1: memoryGiB is -4, where a number above 0 belongs"),
        ("machines.yaml", NEW.replace("vcpu: 1", "vcpu: null"), "2:18 n1: vcpu is null, where a whole number from 1 belongs"),
        ("machines.yaml", NEW.replace("vcpu: 1", "vcpu: true"), "2:18 n1: vcpu is true, where a whole number from 1 belongs"),
        ("machines.yaml", NEW.replace("memoryGiB: 1", "memoryGiB: 1e999"), "2:32 n1: memoryGiB is Infinity, where a number"),
        ("machines.yaml", "rows: " + "[" * 5000 + "]" * 5000, "1:1 maps and lists stand too deep in each other"),
        ("prices.json", '{"rows": ' + "[" * 100000 + "]" * 100000 + "}", "1:1 maps and lists stand too deep in each other"),
        ("machines.yaml", NEW.replace("vcpu", "vcpus"), "2:12 n1: unknown key 'vcpus'"),
        ("machines.yaml", "kind: machines\nrow: []\n", "2:1 machines.yaml: unknown key 'row'"),
        ("machines.yaml", "kind: machine\nrows: []\n", "1:7 machines.yaml is of kind machines, not 'machine'"),
        ("machine.yaml", "rows: []\n", "1:1 the catalogue reads no file machine.yaml"),
        ("engines/own.yml", "id: own\n", "1:1 the catalogue reads no file engines/own.yml"),
        ("defaults.yaml", row("storage.fuseBufferGiB, value: abc"), "2:38 storage.fuseBufferGiB: value is 'abc', where a whole"),
        ("defaults.yaml", row("storage.fuseBufferGiB, value: -3"), "2:38 storage.fuseBufferGiB: value is -3, where a whole"),
        ("defaults.yaml", row("alerts.queue, value: banana"), "2:29 alerts.queue: value is 'banana', where a whole number"),
        ("defaults.yaml", row("alerts.share, value: 950"), "2:29 alerts.share: value is 950, where a whole number from 0 to 100"),
        ("defaults.yaml", row("alerts.ttft, value: soon"), "2:28 alerts.ttft: value is 'soon', where a duration"),
        ("defaults.yaml", row("alerts.resrved, value: 3, reason: x"), "2:8 alerts.resrved: the compiler has no default"),
        ("defaults.yaml", row("fit.graphGiB, value: {gpu: 1}"), "2:29 fit.graphGiB: value lacks tpu, cpu"),
        ("defaults.yaml", row("scale.by, value: vpa"), "2:25 scale.by: value is 'vpa', where one of hpa, keda belongs"),
        ("presets.yaml", row("x9, port: 1, healthPath: /, flags: abc"), "2:43 x9: flags is 'abc', where a map of maps belongs"),
        (
            "presets.yaml",
            row("x9, port: 1, healthPath: /, flags: {model: {nam: --m}}"),
            "2:52 x9: flags.model: unknown key 'nam'",
        ),
        ("engines/own.yaml", f"id: other\nport: 1\nhealthPath: /\n{OWN.replace(', ', chr(10))}\n", "1:5 own.yaml has the id 'other'"),
        ("engines/own/1.0.json", '{"own": "1.0", "source": "x", "schemas": {}, "env": []}', "1:1 own/1.0.json: missing flags"),
        ("prices.yaml", row("l4, per: chip, regions: {us-east1: [1.0]}"), "2:43 l4: regions.us-east1 is [1.0], where a list of 2"),
        ("stacks/gie-1.5.yaml", "kind: stack\nid: gie-1.5\npicker: 7\n", "3:9 gie-1.5: picker is 7, where a map belongs"),
    ],
)
def test_each_field_is_held_to_its_type_range_and_words(tmp_path: Path, name: str, text: str, told: str) -> None:
    _, problems = _team(tmp_path, text, name)
    assert [f"{p.line}:{p.column} {p.message}"[: len(told)] for p in problems] == [told]
    assert problems[0].file == str(tmp_path / name)


def test_what_is_missing_is_told_beside_what_is_unknown(tmp_path: Path) -> None:
    _, problems = _team(tmp_path, "rows:\n- {id: n1, vcpus: 1, nonsense: 2, source: x}\n")
    assert sorted(p.message for p in problems) == [
        "n1: missing memoryGiB, consumption, and a row of your own says asOf",
        "n1: unknown key 'nonsense'",
        "n1: unknown key 'vcpus'",
    ]


def test_an_empty_folder_changes_nothing(tmp_path: Path) -> None:
    laid, problems = overlay(tmp_path)
    assert problems == []
    assert list(laid.machines) == list(catalogue().machines)


class _Inner(Record):
    size: int


class _Outer(Row):
    memory_gib: float
    inner: _Inner = nested(_Inner)
    maybe: _Inner | None = optional(_Inner)
    by_name: dict[str, _Inner] = mapped(_Inner)
    many: tuple[str, ...] = ()


def test_records_are_frozen_and_strict() -> None:
    data = {"id": "a", "source": "s", "asOf": "d", "memoryGiB": 1.5, "inner": {"size": 1}, "byName": {"x": {"size": 2}}, "many": ["p"]}
    row = build(_Outer, data)
    assert (row.memory_gib, row.inner.size, row.maybe, row.by_name["x"].size, row.many) == (1.5, 1, None, 2, ("p",))
    with pytest.raises(AttributeError, match="frozen"):
        row.memory_gib = 2  # type: ignore[misc]
    with pytest.raises(ValueError, match="missing inner"):
        build(_Outer, {k: v for k, v in data.items() if k != "inner"})
    with pytest.raises(ValueError, match="unknown key 'extra'"):
        build(_Outer, data | {"inner": {"size": 1, "extra": 2}})
    assert camel("nvlink_gbps") == "nvlinkGBps"
    assert camel("min_gke") == "minGke"
