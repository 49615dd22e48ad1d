"""terraform/ by the provider's schema and the real OpenTofu: what `terraform validate` says, as far as it goes without the plugin."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Set
from functools import cache
from pathlib import Path
from typing import Any

import hcl2
import pytest
from inferspec.plan.dns import dns_variables
from inferspec.plan.terraform import variables

from tests import line

sys.path.insert(0, str(line.ROOT / "tools"))

import real_parts

MODULES = {"terraform": line.ROOT / "terraform", "dns": line.ROOT / "terraform" / "dns"}
CLUSTER = MODULES["terraform"]
SCHEMA = json.loads((Path(__file__).parent / "provider.json").read_text(encoding="utf-8"))["types"]
META = {"count", "for_each", "depends_on", "lifecycle", "provider"}
_REFERENCE = re.compile(r"\b(data\.)?(google_\w+)\.(\w+)(?:\[[^\]]*\])?(?:\.(\w+))?")
_VARIABLE = re.compile(r"\bvar\.(\w+)")
_LOCAL = re.compile(r"\blocal\.(\w+)")


def tofu(*arguments: str | Path, cwd: Path = CLUSTER) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [real_parts.path("tofu"), *arguments],
        cwd=cwd,
        env={"PATH": "", "HOME": str(cwd), "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )


@cache
def module(folder: Path) -> dict[str, list[Any]]:
    """Blocks of every file, by their kind."""
    found: dict[str, list[Any]] = {}
    for path in sorted(folder.glob("*.tf")):
        for kind, blocks in hcl2.loads(path.read_text(encoding="utf-8")).items():
            if isinstance(blocks, list):
                found.setdefault(kind, []).extend(blocks)
    return found


def labelled(folder: Path, kind: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(type, name, body) of resources and data sources."""
    for block in module(folder).get(kind, []):
        for name, named in block.items():
            if name != "__is_block__":
                for label, body in named.items():
                    if isinstance(body, dict):
                        yield name.strip('"'), label.strip('"'), body


RESOURCES = {
    folder: [(kind, *found) for kind in ("resource", "data") for found in labelled(folder, kind)] for folder in MODULES.values()
}
EVERY = [one for found in RESOURCES.values() for one in found]


def declared(folder: Path) -> list[str]:
    """Names of the variables, in their order."""
    return [name.strip('"') for block in module(folder)["variable"] for name in block if name != "__is_block__"]


def inner_blocks(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, body) of the blocks in a body, those of `dynamic` included."""
    for key, value in body.items():
        if not isinstance(value, list) or not value or not isinstance(value[0], dict):
            continue
        for block in value:
            if key == "dynamic":
                for name, generated in block.items():
                    if isinstance(generated, dict):
                        yield name.strip('"'), generated["content"][0]
            elif block.get("__is_block__"):
                yield key, block


def faults(body: dict[str, Any], schema: dict[str, Any], at: str, meta: Set[str] = META) -> list[str]:
    """What the schema does not have, or asks for in vain; ``meta`` are Terraform's own words, which a block inside has not."""
    blocks = [(name, inner) for name, inner in inner_blocks(body) if name not in meta]
    names = {name for name, _ in blocks} | {"dynamic"}
    arguments = {key for key in body if not key.startswith("__")} - names - meta
    found = [f"{at}: no argument {key}" for key in sorted(arguments - set(schema["arguments"]))]
    found += [f"{at}: {key} is missing" for key in schema["required"] if key not in arguments | names]
    for name, inner in blocks:
        if name not in schema["blocks"]:
            found.append(f"{at}: no block {name}")
        else:
            found += faults(inner, schema["blocks"][name], f"{at}.{name}", frozenset())
    return found


@pytest.mark.parametrize(("kind", "type_", "name", "body"), EVERY, ids=[f"{t}.{n}" for _, t, n, _ in EVERY])
def test_every_argument_is_one_of_the_provider(kind: str, type_: str, name: str, body: dict[str, Any]) -> None:
    assert not faults(body, SCHEMA[f"{kind} {type_}"], f"{type_}.{name}")


def test_the_check_of_arguments_finds_what_is_wrong() -> None:
    schema = SCHEMA["resource google_storage_bucket"]
    inner = 'name = "x"\n  locaton = "US"\n  versioning {\n    enable = true\n  }\n  retention {}\n'
    text = f'resource "google_storage_bucket" "x" {{\n  {inner}}}\n'
    body = hcl2.loads(text)["resource"][0]['"google_storage_bucket"']['"x"']
    assert faults(body, schema, "x") == [
        "x: no argument locaton",
        "x: location is missing",
        "x.versioning: no argument enable",
        "x.versioning: enabled is missing",
        "x: no block retention",
    ]


@pytest.mark.parametrize("folder", MODULES.values(), ids=MODULES)
def test_every_reference_has_what_it_names(folder: Path) -> None:
    text = "\n".join(re.sub(r"(?m)^\s*#.*$", "", path.read_text(encoding="utf-8")) for path in folder.glob("*.tf"))
    own = {(kind, type_, name) for kind, type_, name, _ in RESOURCES[folder]}
    for data, type_, name, attribute in _REFERENCE.findall(text):
        kind = "data" if data else "resource"
        assert (kind, type_, name) in own, f"{type_}.{name}"
        if attribute:
            schema = SCHEMA[f"{kind} {type_}"]
            assert attribute in {*schema["attributes"], *schema["blocks"]}, f"{type_}.{name}.{attribute}"
    assert set(_VARIABLE.findall(text)) == set(declared(folder))
    locals_ = {name for block in module(folder)["locals"] for name in block if not name.startswith("__")}
    assert set(_LOCAL.findall(text)) == locals_


def test_the_module_is_formatted() -> None:
    done = tofu("fmt", "-check", "-recursive", ".")
    assert done.returncode == 0, done.stdout + done.stderr


# -- the contract with what is emitted ---------------------------------------------------------------------------------


def alone(folder: Path, target: Path, makes: str) -> Path:
    """The module's variables and what it derives from them, without resources: OpenTofu needs no provider for it."""
    for name in ("variables.tf", "locals.tf", "outputs.tf"):
        shutil.copy(folder / name, target / name)
    outputs = {f"got_{name}": {"value": f"${{var.{name}}}"} for name in declared(folder)}
    (target / "got.tf.json").write_text(json.dumps({"output": {**outputs, "locals": {"value": f"${{{makes}}}"}}}), encoding="utf-8")
    return target


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return alone(CLUSTER, tmp_path_factory.mktemp("contract"), "local.makes")


def planned(folder: Path, told: dict[str, Any]) -> dict[str, Any]:
    """Every output, by name, as OpenTofu plans it for these variables."""
    (folder / "terraform.tfvars.json").write_text(json.dumps(told), encoding="utf-8")
    done = tofu("plan", "-input=false", "-no-color", "-out=plan", cwd=folder)
    assert done.returncode == 0 and "undeclared" not in done.stdout + done.stderr, done.stdout + done.stderr
    shown = json.loads(tofu("show", "-json", "plan", cwd=folder).stdout)["planned_values"]["outputs"]
    return {key: out["value"] for key, out in shown.items()}


def taken(outputs: dict[str, Any]) -> dict[str, Any]:
    return {key.removeprefix("got_"): value for key, value in outputs.items() if key.startswith("got_")}


SPECS = ("quickstart", "fleet", "volumes", "managed", "crossregion")
CLUSTERS = [(name, cluster) for name in SPECS for _, cluster in line.clusters(name)[:4]]


@pytest.mark.parametrize(("name", "cluster"), CLUSTERS)
def test_what_is_emitted_is_what_the_module_takes(contract: Path, name: str, cluster: str) -> None:
    """Types convert in silence, and attributes that a type lacks are dropped in silence: what comes out has to be what went in."""
    fleet = line.fleet(name)
    place = next(place for place in fleet.places if place.name == cluster)
    told = variables(fleet, place)
    assert taken(planned(contract, told)) == told


def test_records_are_what_their_module_takes(tmp_path: Path) -> None:
    told = dns_variables(line.fleet("platform"))
    outputs = planned(alone(MODULES["dns"], tmp_path, "[local.addresses, local.located]"), told)
    assert taken(outputs) == told
    addresses, located = outputs["locals"]
    assert outputs["hosts"] == sorted(record["name"] for record in told["records"])
    for record in told["records"]:
        for target in record["targets"]:
            assert f"{target['project']}/{target['region']}/{target['address']}" in addresses
        if len(record["targets"]) > 1:
            assert {region: len(found) for region, found in located[record["name"]].items()} == dict(
                Counter(target["region"] for target in record["targets"])
            )


def test_a_variable_too_many_or_too_few_is_found(contract: Path) -> None:
    told = variables(line.fleet("quickstart"), line.fleet("quickstart").places[0])
    for edited, says in (({**told, "colour": "red"}, "undeclared"), ({k: v for k, v in told.items() if k != "buckets"}, "No value")):
        (contract / "terraform.tfvars.json").write_text(json.dumps(edited), encoding="utf-8")
        done = tofu("plan", "-input=false", "-no-color", cwd=contract)
        assert says in done.stdout + done.stderr


@pytest.mark.parametrize("folder", MODULES.values(), ids=MODULES)
def test_the_contract_is_written_down(folder: Path) -> None:
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"(?m)^\| `(\w+)` \|", text) == declared(folder)
