"""One service variant, settled for one subject: everything its objects are made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ..catalog import Accelerator, Catalogue, Engine, Machine, Stack
from ..catalog import Model as ModelFacts
from ..catalog.engines import Metric
from ..diagnostics import SpecPath
from ..model.capacity import CapacityClass
from ..model.platform import Platform
from ..model.serving import Canary, Service
from ..model.storage import Model
from ..values import Catalogue as FromCatalogue
from ..values import Default, SpecAt, Value, derive, text
from .asked import asked
from .engines import own_container
from .layers import Subject
from .layout import Layout
from .memory import Asked, Fit, fit
from .mounts import Mounts
from .naming import canary_name, prefill_name, workload_name
from .parameters import weights_bytes
from .pod import Pod
from .settings import Settings, WorkloadKey, canary_of, capacity_of, owner, settle
from .weights import model_bytes, model_facts


@dataclass(frozen=True, eq=False)
class Workload:
    """Settled settings and derived values. Everything a manifest holds is a ``Value``; plain attributes are structure."""

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
    def stable(self) -> Workload:
        """The workload whose requests a canary takes a share of."""
        return Workload(self.platform, self.catalogue, self.key._replace(canary=False), self.subject)

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
    def prefix(self) -> Value:
        """Folder of the weights in the bucket."""
        return self.mounts.artefacts[0].folder

    @cached_property
    def model_path(self) -> str:
        """Where the weights are mounted. It says which model, not which version, so that it never changes."""
        container = self.service.container
        pattern = container.model_path if container is not None and container.model_path is not None else self.engine.model_path
        return pattern.replace("{model}", self.model_key)

    @cached_property
    def mounts(self) -> Mounts:
        return Mounts(self)

    @cached_property
    def draft(self) -> Value | None:
        """MODEL@VERSION that guesses tokens, or None."""
        return self.settings.get("speculative.model")

    @cached_property
    def bucket(self) -> Value:
        return self.mounts.bucket_of(self.mounts.artefacts[0])

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
    def layout(self) -> Layout:
        return Layout(self)

    @property
    def chips(self) -> Value:
        """Chips of one Pod."""
        return self.layout.chips

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

    @cached_property
    def asked(self) -> Asked:
        """What the memory account is asked to hold."""
        return asked(self)

    def fit(self, machine: Machine) -> Fit | None:
        """The memory account on ``machine``; None for a model without figures."""
        if self.facts is None or not weights_bytes(self.facts):
            return None
        return fit(self.catalogue, self.facts, machine, self.asked)

    @cached_property
    def pod(self) -> Pod:
        return Pod(self)

    # -- scale ---------------------------------------------------------------------------------------------------------

    def scale(self, key: str) -> Value:
        """``min``, ``max``, ``by``, ``metric`` or ``idle``. Nothing moves the replicas of an engine that does not export the metric:
        most is least there."""
        said = self.settings.scalars.get(f"scale.{key}")
        if self.canary is not None and key in ("min", "max") and (said is None or said.path[: len(self.path)] != self.path):
            return self._share(self.canary, key)
        if said is not None:
            return said.value
        unseen = key == "max" and self.own_metric is None
        if unseen and self.engine.metric(str(self.scale("metric").v), str(self.engine_version.v)) is None:
            least = self.scale("min")
            return derive(f"{self.engine.id} exports no {self.scale('metric').v}: as many as the least", least.v, least)
        return self.default(f"scale.{key}")

    @cached_property
    def own_metric(self) -> Metric | None:
        """The series that moves the replicas, where the spec itself describes it."""
        series, _, type = str(self.scale("metric").v).partition("|")
        return Metric(id=series, series=series, type=type) if type else None

    def _share(self, canary: Canary, key: str) -> Value:
        """Replicas of a canary: the share of the stable ones that it takes of their requests, and one at least."""
        stable, weight = self.stable.scale(key), Value(canary.weight, SpecAt((*self.path, "weight")))
        share = max(1, -(-int(stable.v) * canary.weight // 100))
        return derive(f"{canary.weight} % of the {stable.v} of {self.stable.name}, at least one", share, stable, weight)

    @cached_property
    def autoscaled(self) -> bool:
        """By a HorizontalPodAutoscaler or KEDA; Ray moves its replicas itself."""
        return self.scale("min").v != self.scale("max").v and self.engine.workload == "deployment"

    @cached_property
    def scaled_by(self) -> str:
        """``hpa`` or ``keda``; empty where neither moves its replicas."""
        return str(self.scale("by").v) if self.autoscaled else ""

    @cached_property
    def buffer(self) -> Value | None:
        """Servers whose nodes are kept ready beside those in use, by a CapacityBuffer; None for none."""
        return self._ready("buffer")

    @cached_property
    def placeholders(self) -> Value | None:
        """The same by Pods that give way."""
        return self._ready("placeholders")

    def _ready(self, key: str) -> Value | None:
        """A canary has those that it asks for itself."""
        said = self.settings.scalars.get(f"scale.{key}")
        if said is None or not said.v or (self.canary is not None and said.path[: len(self.path)] != self.path):
            return None
        return said.value

    @property
    def kept(self) -> int:
        """How many those are together."""
        return sum(int(held.v) for held in (self.buffer, self.placeholders) if held is not None)

    @property
    def to_zero(self) -> bool:
        """Whether it has no server while nobody asks."""
        return int(self.scale("min").v) == 0

    def serves(self) -> list[Value]:
        """Names that the server itself answers to: the served name, and those of the adapters loaded at start."""
        at: SpecPath = ("serving", self.service_name, "adapters")
        return [self.served_name(), *(Value(name, SpecAt((*at, name))) for name in self.service.adapters)]

    def answers_to(self) -> list[Value]:
        """Names of models that a request may have: what the server answers to, and what the picker makes one of those."""
        at: SpecPath = ("serving", self.service_name, "aliases")
        return [*self.serves(), *(Value(name, SpecAt((*at, name))) for name in self.service.aliases)]

    def served_name(self) -> Value:
        """The name clients send: as the first exposure says, else the service's own."""
        for index, exposure in enumerate(self.service.expose):
            if exposure.as_ is not None:
                return Value(exposure.as_, SpecAt(("serving", self.service_name, "expose", index, "as")))
        return text("{}", Value(self.service_name, SpecAt(("serving", self.service_name))))
