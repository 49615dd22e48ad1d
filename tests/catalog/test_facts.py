"""The catalogue's figures against the collected facts beside the repository; skipped in a plain clone, which has none."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from inferspec.catalog import PACKAGE, catalogue
from inferspec.catalog.table import merge

ROOT = Path(__file__).resolve().parents[2]
FACTS = ROOT.parent / "shared" / "facts"
pytestmark = pytest.mark.skipif(not FACTS.is_dir(), reason="the collected facts are not beside this clone")
FLAG_VERSIONS = ("0.11.2", "0.31.0", "0.32.0", "0.33.0")


def _load(name: str) -> Any:
    return yaml.load((FACTS / name).read_text(), Loader=yaml.CSafeLoader)


def test_gpus() -> None:
    facts = catalogue()
    for gpu in _load("accelerators.yaml")["gpus"]:
        row = facts.accelerators[gpu["id"]]
        assert (row.node_label, row.compute_class_type, row.arch) == (
            gpu["gke_accelerator_label"],
            gpu["compute_class_gpu_type"],
            gpu["arch"],
        )
        assert (row.memory_gib, row.bandwidth_gbps, row.sm) == (gpu["memory_gib"], gpu["mem_bw_gbps"], gpu["sm"])
        assert (list(row.dtypes), list(row.boot_disks)) == (gpu["native_dtypes"], gpu["boot_disks"])
        assert (list(row.attach_disks), dict(row.partitions)) == (gpu.get("attach_disks", []), gpu.get("mig_profiles", {}))
        assert dict(row.tflops) == {k: v for k, v in gpu["dense_tflops"].items() if v is not None}
        if gpu["id"] == "t4":
            continue
        for said in gpu["machines"]:
            machine = facts.machines[said["name"]]
            assert (machine.accelerator, machine.chips, machine.vcpu, machine.memory_gib) == (
                gpu["id"],
                said["gpus"],
                said["vcpu"],
                said["memory_gb"],
            )
            assert (machine.fraction, machine.local_ssd) == (said.get("gpu_fraction", 1), said.get("local_ssd_auto", 0))
            assert machine.explicit_only == said.get("explicit_machine_type_only", False)
            optional = said.get("local_ssd_optional", [])
            assert list(machine.local_ssd_optional) == (optional if isinstance(optional, list) else [optional])


def test_tpus() -> None:
    facts = catalogue()
    for tpu in _load("accelerators.yaml")["tpus"]:
        row = facts.accelerators[tpu["id"]]
        assert (row.node_label, row.compute_class_type, row.memory_gib) == (
            tpu["gke_tpu_accelerator_label"],
            tpu["compute_class_tpu_type"],
            tpu["hbm_gib"],
        )
        assert (list(row.boot_disks), list(row.dtypes), row.bandwidth_gbps) == (tpu["boot_disks"], tpu["native_dtypes"], tpu["hbm_bw_gbps"])
        for said in tpu["machines"]:
            machine = facts.machines[said["name"]]
            assert (machine.accelerator, machine.chips, machine.vcpu, machine.memory_gib) == (
                tpu["id"],
                said["chips"],
                said["vcpu"],
                said["memory_gb"],
            )
            assert facts.topology(said["name"], said["single_host_topology"]) is not None
            assert ("flex-start" in machine.consumption) is tpu["consumption"]["flex_start"]
        for said in tpu["topologies"]:
            found = facts.topology(said["machine_type"], said["topology"])
            assert found is not None, said
            assert (found.chips, found.hosts, found.chips_per_host, found.multi_host) == (
                said["chips"],
                said["hosts"],
                said["chips_per_host"],
                said["multi_host"],
            )


def test_places() -> None:
    facts, said = catalogue(), _load("regions.yaml")
    assert set(facts.regions) == {*said["gcp_regions"], "us-central2"}
    for row in said["availability"]:
        machines = [m for m in row["machine_types"] if m in facts.machines] or [m.id for m in facts.machines_of(row["accelerator"])]
        for machine in machines:
            for region in row.get("regions") or ():
                zones = [z for z in row["zones"] or () if z.rsplit("-", 1)[0] == region]
                assert facts.seen(machine, region) == tuple(sorted(zones))
    storage = said["cloud_storage"]
    for name, members in storage["predefined_dual_regions"].items():
        assert list(facts.storage_locations[name.lower()].regions) == members
    for name, multi in storage["multi_regions"].items():
        assert list(facts.storage_locations[name.lower()].regions) == multi["regions"]


MODEL_KEYS = {
    "params": "params",
    "params_text_only": "params_text_only",
    "layers": "layers",
    "hidden_size": "hidden_size",
    "attention_heads": "heads",
    "kv_heads": "kv_heads",
    "head_dim": "head_dim",
    "vocab_size": "vocab_size",
    "context_length": "context_length",
    "native_dtype": "dtype",
    "native_quant": "quantisation",
    "sliding_window": "sliding_window",
    "experts": "experts",
    "experts_per_token": "experts_per_token",
    "kv_lora_rank": "kv_lora_rank",
    "qk_rope_head_dim": "qk_rope_head_dim",
    "full_layers": "full_layers",
    "sliding_layers": "sliding_layers",
    "full_attention_layers": "full_layers",
    "linear_attention_layers": "linear_layers",
    "kv_heads_full_attention": "kv_heads_full",
    "head_dim_full_attention": "head_dim_full",
    "gated": "gated",
    "intermediate_size": "intermediate_size",
    "moe_intermediate_size": "moe_intermediate_size",
    "kv_bytes_per_token_bf16_all_layers": "kv_bytes_per_token",
    "attention_chunk_size": "chunk_size",
    "sliding_attention_layers": "sliding_layers",
}


def test_models() -> None:
    for said in _load("models.yaml")["models"]:
        row = catalogue().model(said["hf_repo"])
        assert row is not None and row.id == said["id"]
        for key, field in MODEL_KEYS.items():
            if key in said:
                assert getattr(row, field) == said[key], (said["id"], key)


def test_prices() -> None:
    rows, _ = merge("prices", (PACKAGE,))
    said = _load("prices.yaml")
    for machine, regions in said["machine_types"]["prices"].items():
        assert rows[machine]["regions"] == {region: [p["on_demand"], p["spot"]] for region, p in regions.items()}
    for chip, regions in said["tpu_per_chip_api"]["prices"].items():
        for region, price in regions.items():
            assert rows[chip]["regions"][region] == [price["on_demand"], price["spot"]]


@pytest.mark.parametrize("version", FLAG_VERSIONS)
def test_flag_tables(version: str) -> None:
    sys.path.insert(0, str(ROOT / "tools"))
    from vllm_flags import compact

    said = json.loads((FACTS / "vllm-flags" / f"{version}.json").read_text())
    table = json.loads((Path(PACKAGE) / "engines" / "vllm" / f"{version}.json").read_text())
    assert table["flags"] == [compact(flag) for flag in said["flags"]]
    assert table["env"] == said["env_vars"]
    assert set(table["schemas"]) == set(said["json_schemas"])
    loaded = catalogue().flags("vllm", version)
    assert len(loaded) == said["count"]
    for flag in said["flags"]:
        for name in (*flag["names"], *flag["hidden_names"]):
            found = loaded.find(name)
            assert found is not None and found.kind == flag["type"]["kind"]
