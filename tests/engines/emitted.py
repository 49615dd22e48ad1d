"""Every command line that the committed specs emit for a model server, each once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from inferspec.catalog import Catalogue, Engine, Model, catalogue
from inferspec.catalog.team import overlay
from inferspec.check import check
from inferspec.diagnostics import Severity
from inferspec.load import load_spec
from inferspec.model.errors import read_platform
from inferspec.model.platform import Platform
from inferspec.plan.fleet import plan
from inferspec.plan.objects import FleetPlan
from inferspec.resolve.fleet import Fleet
from inferspec.resolve.images import mirror_of
from inferspec.resolve.weights import model_facts

from tests.line import ROOT, TODAY

COMMITTED = sorted((ROOT / "specs").glob("*.yaml"))
"""People's own: each must compile."""
OF_TESTS = [
    *sorted((ROOT / "tests/specs").glob("*.yaml")),
    ROOT / "tests/rules/base.yaml",
    *sorted((ROOT / "tests/cases").glob("*/spec.yaml")),
]
"""Some of these are wrong on purpose and emit nothing."""

PODS: dict[str, Callable[[Any], Any]] = {
    "Deployment": lambda spec: spec["template"],
    "LeaderWorkerSet": lambda spec: spec["leaderWorkerTemplate"]["leaderTemplate"],
}
"""Where the Pod that answers requests stands in the objects that have one."""
GROUP = {"LWS_LEADER_ADDRESS": "127.0.0.1", "LWS_GROUP_SIZE": "2", "LWS_WORKER_INDEX": "0"}


@dataclass(frozen=True)
class CommandLine:
    """What one Deployment starts. ``platform`` is gpu or tpu; ``where`` the first place that has it."""

    engine: str
    version: str
    platform: str
    model: Model | None
    arguments: tuple[str, ...]
    where: str

    @property
    def flags(self) -> dict[str, str | None]:
        """Name -> value; None for a bare flag."""
        split = [argument.partition("=") for argument in self.arguments if argument.startswith("-")]
        return {name: value if equals else None for name, equals, value in split}


def _planned(spec: Path) -> tuple[Platform, Catalogue, FleetPlan] | str:
    """The plan of a spec without its policies, or the first error it has."""
    root = spec.parent.parent if spec.parent.name == "specs" else spec.parent
    document, found = load_spec(spec, root=root)
    if document is None:
        return _first(found)
    platform, more = read_platform(document)
    if platform is None:
        return _first([*found, *more])
    own = root / "catalog"
    known, problems = overlay(own) if own.is_dir() else (catalogue(), [])
    assert not problems, problems
    fleet, last = check(Fleet(platform, known), document, TODAY)
    if error := _first([*found, *more, *last]):
        return error
    made, refused = plan(fleet)
    return refused[0].message if refused else (platform, known, made)


def _first(found: list[Any]) -> str:
    return next((f"{d.code}: {d.message}" for d in found if d.severity is Severity.ERROR), "")


@cache
def collected() -> tuple[tuple[CommandLine, ...], dict[str, str]]:
    """The command lines, and for each spec that does not compile its first error."""
    lines: dict[tuple[Any, ...], CommandLine] = {}
    refused = {}
    for spec in (*COMMITTED, *OF_TESTS):
        name = str(spec.relative_to(ROOT))
        found = _planned(spec)
        if isinstance(found, str):
            refused[name] = found
            continue
        for line in _servers(name, *found):
            lines.setdefault((line.version, line.platform, line.model and line.model.id, line.arguments), line)
    return tuple(lines.values()), refused


def _servers(spec: str, platform: Platform, known: Catalogue, made: FleetPlan) -> Iterator[CommandLine]:
    engine = known.engine("vllm")
    for cluster in made.clusters:
        for objects in cluster.facets.values():
            for tree in (o.tree(cluster.facts) for o in objects if o.identity.kind in PODS):
                for container in PODS[tree["kind"]](tree["spec"])["spec"]["containers"]:
                    if (arguments := _arguments(engine, container)) is not None:
                        version, kind = _release(engine, platform, container["image"])
                        key = tree["metadata"]["annotations"]["inferspec.dev/model"].partition("@")[0]
                        facts = model_facts(known, platform.models[key])
                        where = f"{_label(spec)}-{tree['metadata']['name']}-{cluster.name}"
                        yield CommandLine(engine.id, version, kind, facts, arguments, where)


def _arguments(engine: Engine, container: dict[str, Any]) -> tuple[str, ...] | None:
    """What the container gives to vLLM; None if it runs something else. Variables of a group stand at a leader's of two."""
    command, arguments = tuple(container.get("command", ())), container.get("args", [])
    if command[:2] == ("vllm", "serve"):
        (model,) = command[2:]  # this one takes it without a name
        arguments = [f"--model={model}", *arguments]
    elif command != engine.command:
        return None
    for name, value in GROUP.items():
        arguments = [argument.replace(f"$({name})", value) for argument in arguments]
    return tuple(arguments)


def _label(spec: str) -> str:
    return Path(spec).parent.name if "cases" in spec else Path(spec).stem


def _release(engine: Engine, platform: Platform, image: str) -> tuple[str, str]:
    for row in engine.versions:
        for kind, own in row.images.items():
            published = f"{engine.repositories[kind]}:{own}"
            regions = (None, *platform.regions)
            mirrors = {found[2] for region in regions if (found := mirror_of(platform, published, region)) is not None}
            if image.partition("@")[0] in (published, *mirrors):
                return row.version, kind
    raise AssertionError(f"no version of {engine.id} has the image {image}")


def models() -> tuple[Model, ...]:
    """The catalogue's language models."""
    return tuple(row for row in catalogue().models.values() if row.kind == "llm")
