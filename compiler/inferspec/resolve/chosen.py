"""What one service variant is made of, for one subject: its settings, model, engine, machine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ..catalog import Accelerator, Catalogue, Engine, Machine, Stack
from ..catalog import Model as ModelFacts
from ..diagnostics import SpecPath
from ..model.capacity import CapacityClass
from ..model.platform import Platform
from ..model.serving import Canary, Service
from ..model.storage import Model
from ..values import Catalogue as FromCatalogue
from ..values import Default, SpecAt, Value
from .engines import own_container
from .layers import Subject
from .naming import canary_name, prefill_name, workload_name
from .settings import Settings, WorkloadKey, canary_of, capacity_of, owner, settle
from .weights import model_bytes, model_facts


@dataclass(frozen=True, eq=False)
class Chosen:
    """What a workload is made of. Everything a manifest holds is a ``Value``; plain attributes are structure."""

    platform: Platform
    catalogue: Catalogue
    key: WorkloadKey
    subject: Subject

    # -- who and where -------------------------------------------------------------------------------------------------

    @property
    def service_name(self) -> str:
        return self.key.service

    @property
    def variant(self) -> str | None:
        return self.key.variant

    @property
    def service(self) -> Service:
        return self.platform.serving[self.service_name]

    @cached_property
    def name(self) -> str:
        return prefill_name(self.front_name) if self.key.prefill else self.front_name

    @cached_property
    def canary(self) -> Canary | None:
        """What the spec says of this workload, where it is a canary."""
        return canary_of(self.platform, self.key) if self.key.canary else None

    @cached_property
    def front_name(self) -> str:
        """Of the workload that requests come to; others stand behind it."""
        front = workload_name(self.service_name, self.variant)
        return canary_name(front) if self.key.canary else front

    @cached_property
    def disaggregated(self) -> bool:
        """Prompts are read by other servers than answers are made by."""
        return owner(self.platform, self.key).prefill is not None

    @property
    def team(self) -> str:
        return self.service.team

    @property
    def namespace(self) -> str:
        return self.platform.teams[self.service.team].namespace

    @property
    def path(self) -> SpecPath:
        """Where this variant is written."""
        return self.key.path

    @cached_property
    def settings(self) -> Settings:
        return settle(self.platform, self.key, self.subject.entries)

    @cached_property
    def stack(self) -> Stack:
        return self.catalogue.stack(self.platform.stack)

    def default(self, key: str) -> Value:
        return Value(self.catalogue.default(key), Default(key))

    # -- the model -----------------------------------------------------------------------------------------------------

    @cached_property
    def model_ref(self) -> Value:
        found = self.settings.get("model")
        if found is None:
            raise LookupError(f"{self.name}: no model; check.references refuses this before")
        return found

    @property
    def model_key(self) -> str:
        return str(self.model_ref.v).partition("@")[0]

    @property
    def model(self) -> Model:
        return self.platform.models[self.model_key]

    @cached_property
    def facts(self) -> ModelFacts | None:
        return model_facts(self.catalogue, self.model)

    @cached_property
    def draft(self) -> Value | None:
        """MODEL@VERSION that guesses tokens, or None."""
        return self.settings.get("speculative.model")

    @cached_property
    def weights(self) -> int:
        """Bytes of the weights; 0 where nobody gave a figure."""
        return model_bytes(self.catalogue, self.model)

    # -- the engine ----------------------------------------------------------------------------------------------------

    @cached_property
    def engine_said(self) -> Value:
        """ENGINE or ENGINE@VERSION."""
        if self.canary is not None and self.canary.engine is not None:
            return Value(self.canary.engine, SpecAt((*self.path, "engine")))
        return Value(self.service.engine, SpecAt(("serving", self.service_name, "engine")))

    @cached_property
    def image_said(self) -> Value | None:
        """The engine's image, where the spec gives it; that of another engine is not a canary's."""
        if self.canary is not None and (self.canary.image is not None or self.canary.engine is not None):
            return Value(self.canary.image, SpecAt((*self.path, "image"))) if self.canary.image is not None else None
        return Value(self.service.image, SpecAt(("serving", self.service_name, "image"))) if self.service.image is not None else None

    @cached_property
    def engine(self) -> Engine:
        engine = self.catalogue.engine(str(self.engine_said.v).partition("@")[0])
        return own_container(engine, self.service.container) if self.service.container is not None else engine

    @cached_property
    def engine_version(self) -> Value:
        name, _, pinned = str(self.engine_said.v).partition("@")
        if pinned:
            return Value(pinned, self.engine_said.origin)
        version = self.stack.engine_version(name, self.accelerator.kind)
        if version is not None:
            return Value(version, FromCatalogue(f"stacks.{self.stack.id}.engines.{name}.{self.accelerator.kind}"))
        newest = self.engine.newest(self.accelerator.kind)
        return Value(newest.version if newest is not None else "", FromCatalogue(f"engines.{name}.versions"))

    @property
    def half(self) -> str:
        """``prefill`` or ``decode`` of a disaggregated service, else empty."""
        return ("prefill" if self.key.prefill else "decode") if self.disaggregated else ""

    @cached_property
    def pooled(self) -> bool:
        """Behind a gateway, an endpoint picker chooses among its servers: it reads the metrics of their engine. Requests to others go to
        their Service, which knows the Pods and nothing of their load."""
        return bool(self.service.expose) and bool(self.engine.engine_label)

    @property
    def engine_port(self) -> int:
        """Port the engine itself listens on: another than requests come to where a sidecar stands before it."""
        return self.stack.disaggregated.server_port if self.half == "decode" else self.engine.port

    # -- the machine ---------------------------------------------------------------------------------------------------

    @property
    def capacity_name(self) -> str:
        found = capacity_of(self.platform, self.key)
        assert found is not None, "check.references refuses a variant without capacity"
        return found

    @property
    def capacity(self) -> CapacityClass:
        return self.platform.capacity_classes[self.capacity_name]

    @cached_property
    def machine(self) -> Machine:
        """The first shape; every shape of a class has as many chips (check.capacity)."""
        return self.catalogue.machines[self.capacity.shape[0]]

    @cached_property
    def smallest(self) -> Machine:
        """The shape with the least memory: what the Pod asks for must fit there."""
        return min((self.catalogue.machines[s] for s in self.capacity.every_shape), key=lambda m: (m.memory_gib, m.vcpu))

    @cached_property
    def accelerator(self) -> Accelerator:
        return self.catalogue.accelerators[self.machine.accelerator]

    @cached_property
    def tokens(self) -> Value:
        """Longest request in tokens: as asked, else the model's own context."""
        asked = self.settings.get("maxModelLen")
        if asked is not None:
            return asked
        known = self.facts.context_length if self.facts else 0
        return Value(
            known or self.catalogue.default("serving.maxModelLen"),
            FromCatalogue(f"models.{self.model_key}.contextLength") if known else Default("serving.maxModelLen"),
        )

    def flag(self, name: str) -> Value | None:
        """What the spec sets the flag to, or None. ``name`` with its dashes or without."""
        said = self.settings.flags.get(name.removeprefix("--"))
        return said.value if said is not None else None

    @cached_property
    def utilisation(self) -> Value:
        """Share of the chip's memory that vLLM may use, as text: objects hold no floats."""
        role = self.engine.flags.get("gpuMemoryUtilization")
        said = self.flag(role.name) if role is not None else None
        if said is not None:
            return said
        if self.engine.memory_fraction:
            return Value(str(self.engine.memory_fraction), FromCatalogue(f"engines.{self.engine.id}.memoryFraction"))
        key = "serving.gpuMemoryUtilization"
        return Value(str(self.catalogue.default(key)), Default(key))
