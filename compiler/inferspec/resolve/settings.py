"""What a service, its variant and the overrides that apply say together: one settled value a key, each with its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic.alias_generators import to_camel

from ..catalog import human_int
from ..diagnostics import SpecPath
from ..model.platform import Platform
from ..model.serving import Canary, Running, Service, Variant
from ..values import Scalar, SpecAt, Value
from .layers import EntryId

FlagValue = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Said:
    """A value as written, and where. Floats stay floats here: they become text in arguments only."""

    v: FlagValue
    path: SpecPath

    @property
    def value(self) -> Value:
        v: Scalar = repr(self.v) if isinstance(self.v, float) else self.v
        return Value(v, SpecAt(self.path))


@dataclass(slots=True)
class Settings:
    """Keys that nobody set are absent from the maps."""

    scalars: dict[str, Said] = field(default_factory=dict)
    """By key of the spec: ``model``, ``tensorParallel``, ``scale.min``, ``resources.cpu``, ``speculative.method`` …"""
    flags: dict[str, Said] = field(default_factory=dict)
    env: dict[str, Said] = field(default_factory=dict)
    removed: dict[str, SpecPath] = field(default_factory=dict)
    """Flags set to null: derived ones are left out too."""

    def get(self, key: str) -> Value | None:
        said = self.scalars.get(key)
        return said.value if said else None

    def said(self, flag: str, otherwise: str) -> str:
        """The text of an engine flag."""
        found = self.flags.get(flag)
        return otherwise if found is None else str(found.v)

    def count(self, flag: str, otherwise: int) -> int:
        """The number above 0 that an engine flag gives; what is none is refused by the rule on flags."""
        try:
            return max(0, human_int(self.said(flag, ""))) or otherwise
        except ValueError:
            return otherwise

    def switched(self, flag: str) -> bool:
        """Whether an engine flag is switched on."""
        found = self.flags.get(flag)
        return found is not None and found.v is True


class WorkloadKey(NamedTuple):
    """A workload of the spec: a service, its variant, and whether it is the half that reads prompts, or the canary beside it."""

    service: str
    variant: str | None
    prefill: bool = False
    canary: bool = False

    @property
    def beside(self) -> bool:
        """Whether it stands beside a workload that requests come to by a route of its own."""
        return self.prefill or self.canary

    @property
    def path(self) -> SpecPath:
        """Where it is written."""
        root: SpecPath = ("serving", self.service)
        if self.canary:
            return (*root, "canary")
        own = root if self.variant is None else (*root, "variants", self.variant)
        return (*own, "prefill") if self.prefill else own


def owner(platform: Platform, key: WorkloadKey) -> Service | Variant:
    """The service itself or its variant: who says capacity, where and prefill."""
    spec = platform.serving[key.service]
    return spec if key.variant is None else spec.variants[key.variant]


def canary_of(platform: Platform, key: WorkloadKey) -> Canary | None:
    """What the spec says of the canary that ``key`` is, or that stands beside it; None without one."""
    canary = platform.serving[key.service].canary
    return canary if canary is not None and canary.variant in (None, key.variant) else None


def capacity_of(platform: Platform, key: WorkloadKey) -> str | None:
    own = owner(platform, key)
    if key.canary and (canary := canary_of(platform, key)) is not None and canary.capacity is not None:
        return canary.capacity
    return own.prefill.capacity if key.prefill and own.prefill is not None else own.capacity


def sources(platform: Platform, key: WorkloadKey, entries: tuple[EntryId, ...]) -> Iterator[tuple[Running, SpecPath]]:
    """Who speaks, least specific first: the service, its variant, the overrides that apply, the half that reads prompts or
    the canary."""
    spec, own = platform.serving[key.service], owner(platform, key)
    root: SpecPath = ("serving", key.service)
    yield spec, root
    if own is not spec:
        yield own, (*root, "variants", str(key.variant))
    for named, kind, index in entries:
        if named == key.service and kind == "overrides" and spec.overrides[index].variant in (None, key.variant):
            yield spec.overrides[index], (*root, "overrides", index)
    if key.prefill and own.prefill is not None:
        yield own.prefill, key.path
    if key.canary and (canary := canary_of(platform, key)) is not None:
        yield canary, key.path


def settle(platform: Platform, key: WorkloadKey, entries: tuple[EntryId, ...]) -> Settings:
    """Maps merge, null removes, anything else replaces."""
    settled = Settings()
    for setting, path in sources(platform, key, entries):
        for scalar, said in spoken(setting, path):
            settled.scalars[scalar] = said
        for name, v in setting.flags.items():
            at = (*path, "flags", name)
            settled.flags.pop(name, None)
            settled.removed.pop(name, None)
            if v is None:
                settled.removed[name] = at
            else:
                settled.flags[name] = Said(v, at)
        for name, text in setting.env.items():
            settled.env.pop(name, None)
            if text is not None:
                settled.env[name] = Said(text, (*path, "env", name))
    return settled


_SCALARS = tuple(
    (name, to_camel(name))
    for name in (
        "model",
        "max_model_len",
        "tensor_parallel",
        "pipeline_parallel",
        "data_parallel",
        "expert_parallel",
        "read",
        "startup",
        "chat_template",
    )
)
_GROUPS = ("scale", "resources", "speculative")


def spoken(setting: Running, path: SpecPath) -> Iterator[tuple[str, Said]]:
    """The scalar keys that ``setting`` itself gives."""
    for attribute, key in _SCALARS:
        if (v := getattr(setting, attribute, None)) is not None:
            yield key, Said(v, (*path, key))
    for group in _GROUPS:
        held = getattr(setting, group, None)
        for attribute in type(held).model_fields if held is not None else ():
            if (v := getattr(held, attribute)) is not None:
                key = to_camel(attribute)
                # A metric of one's own is the one map; its text names series and type.
                yield f"{group}.{key}", Said(v if isinstance(v, (str, int, float)) else str(v), (*path, group, key))


def variants(service: Service) -> tuple[str | None, ...]:
    """Variant names; a service without variants has the one unnamed."""
    return tuple(service.variants) or (None,)
