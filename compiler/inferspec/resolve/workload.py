"""One service variant, settled for one subject: everything its objects are made of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from ..catalog import Accelerator, Catalogue, Engine, Machine, Stack
from ..catalog import Model as ModelFacts
from ..diagnostics import SpecPath
from ..model.capacity import CapacityClass
from ..model.platform import Platform
from ..model.serving import Service
from ..model.storage import Model
from ..names import truncate_with_hash
from ..values import Catalogue as FromCatalogue
from ..values import Default, Derived, SpecAt, Value, derive, text
from .layers import Subject
from .memory import GIB, Fit, allocatable, fit, weights_bytes
from .settings import Settings, settle
from .weights import bucket_value, model_bytes, model_facts, object_prefix

NAME_LIMIT = 45
"""Longest workload name: the longest suffix (``-autoscaling``) and a Pod's own suffix must still fit 63 characters."""


@dataclass(frozen=True, eq=False)
class Workload:
    """Settled settings and derived values. Everything a manifest holds is a ``Value``; plain attributes are structure."""

    platform: Platform
    catalogue: Catalogue
    service_name: str
    variant: str | None
    subject: Subject

    # -- who and where -------------------------------------------------------------------------------------------------

    @property
    def service(self) -> Service:
        return self.platform.serving[self.service_name]

    @cached_property
    def name(self) -> str:
        full = self.service_name if self.variant is None else f"{self.service_name}-{self.variant}"
        return truncate_with_hash(full, NAME_LIMIT)

    @property
    def team(self) -> str:
        return self.service.team

    @property
    def namespace(self) -> str:
        return self.platform.teams[self.service.team].namespace

    @property
    def path(self) -> SpecPath:
        """Where this variant is written."""
        root: SpecPath = ("serving", self.service_name)
        return root if self.variant is None else (*root, "variants", self.variant)

    @cached_property
    def settings(self) -> Settings:
        return settle(self.platform, self.service_name, self.variant, self.subject.entries)

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
    def revision(self) -> Value:
        version = str(self.model_ref.v).partition("@")[2]
        return Value(self.model.versions[version], SpecAt(("models", self.model_key, "versions", version)))

    @cached_property
    def facts(self) -> ModelFacts | None:
        return model_facts(self.catalogue, self.model)

    @cached_property
    def prefix(self) -> Value:
        """Folder of the weights in the bucket, lower case: a prefix a commit, immutable once published."""
        source = Value(self.model.source, SpecAt(("models", self.model_key, "source")))
        return derive("lower-case source, then the commit", f"{object_prefix(self.model.source)}/{self.revision.v}", source, self.revision)

    @cached_property
    def bucket(self) -> Value:
        return bucket_value(self.platform, self.catalogue, self.model.store, self.subject.region)

    @cached_property
    def weights(self) -> int:
        """Bytes of the weights; 0 where nobody gave a figure."""
        return model_bytes(self.catalogue, self.model)

    # -- the engine ----------------------------------------------------------------------------------------------------

    @cached_property
    def engine(self) -> Engine:
        return self.catalogue.engine(self.service.engine.partition("@")[0])

    @cached_property
    def engine_version(self) -> Value:
        name, _, pinned = self.service.engine.partition("@")
        if pinned:
            return Value(pinned, SpecAt(("serving", self.service_name, "engine")))
        version = self.stack.engine_version(name, self.accelerator.kind)
        assert version is not None, "check.references refuses an engine without a version for the accelerator"
        return Value(version, FromCatalogue(f"stacks.{self.stack.id}.engines.{name}.{self.accelerator.kind}"))

    # -- the machine ---------------------------------------------------------------------------------------------------

    @property
    def capacity_name(self) -> str:
        spec = self.service if self.variant is None else self.service.variants[self.variant]
        assert spec.capacity is not None, "check.references refuses a variant without capacity"
        return spec.capacity

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
        return min((self.catalogue.machines[s] for s in self.capacity.shape), key=lambda m: (m.memory_gib, m.vcpu))

    @cached_property
    def accelerator(self) -> Accelerator:
        return self.catalogue.accelerators[self.machine.accelerator]

    @cached_property
    def chips(self) -> Value:
        """Chips of one replica: tensor parallel size, or all of the machine."""
        asked = self.settings.get("tensorParallel")
        whole = Value(self.machine.chips, FromCatalogue(f"machines.{self.machine.id}.chips"))
        return derive("chips = tensor parallel size", int(asked.v), asked) if asked is not None else whole

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

    @cached_property
    def utilisation(self) -> Value:
        """Share of the chip's memory that vLLM may use, as text: objects hold no floats."""
        said = self.settings.flags.get("gpu-memory-utilization")
        if said is not None:
            return said.value
        key = "serving.gpuMemoryUtilization"
        return Value(str(self.catalogue.default(key)), Default(key))

    def fit(self, machine: Machine) -> Fit | None:
        """The memory account on ``machine``; None for a model without figures."""
        if self.facts is None or not weights_bytes(self.facts):
            return None
        return fit(self.catalogue, self.facts, machine, int(self.chips.v), int(self.tokens.v), float(self.utilisation.v))

    # -- memory of the Pod ---------------------------------------------------------------------------------------------

    @cached_property
    def cache_bytes(self) -> int:
        """Size of the memory-backed file cache: the weights and a tenth, in whole GiB. It is never given back."""
        return math.ceil(self.weights * 1.1 / GIB) * GIB

    @cached_property
    def cache_size(self) -> Value:
        return Value(_gib(self.cache_bytes), Derived(f"weights {self.weights / GIB:.1f} GiB x 1.1, in whole GiB", (self.model_ref,)))

    @cached_property
    def memory_bytes(self) -> int:
        host = self.catalogue.default("serving.hostMemoryGiB") + self.catalogue.default("serving.hostMemoryPerChipGiB") * int(self.chips.v)
        return self.cache_bytes + (host + int(self.shm.v) + 2 * self.catalogue.default("storage.fuseBufferGiB")) * GIB

    @cached_property
    def shm(self) -> Value:
        """GiB of /dev/shm: NCCL needs it between the chips of one server."""
        key = "serving.shmGiB"
        return Value(self.catalogue.default(key)["one" if int(self.chips.v) == 1 else "several"], Default(key))

    @cached_property
    def memory(self) -> Value:
        """Memory request and limit of the server: cache, shared memory, FUSE buffers and the engine's own."""
        asked = self.settings.get("resources.memory")
        if asked is not None:
            return asked
        keys = ("serving.hostMemoryGiB", "serving.hostMemoryPerChipGiB", "storage.fuseBufferGiB")
        host, chip, buffer = map(self.catalogue.default, keys)
        rule = (
            f"file cache {_gib(self.cache_bytes)} + engine {host}Gi + {chip}Gi x {self.chips.v} chips + shared memory {self.shm.v}Gi"
            f" + FUSE buffers 2 x {buffer}Gi"
        )
        return Value(_gib(self.memory_bytes), Derived(rule, (self.cache_size, self.chips, self.shm, *map(self.default, keys))))

    @cached_property
    def cpu(self) -> Value:
        """Half of the chip's share of the machine: the rest is for sidecars and daemons."""
        asked = self.settings.get("resources.cpu")
        if asked is not None:
            return asked
        milli, _ = allocatable(self.smallest)
        share = max(1, milli // 2 * int(self.chips.v) // max(1, self.smallest.chips) // 1000)
        return Value(str(share), Derived(f"half of {milli}m allocatable on {self.smallest.id}, by chips", (self.chips,)))

    # -- scale ---------------------------------------------------------------------------------------------------------

    def scale(self, key: str) -> Value:
        asked = self.settings.get(f"scale.{key}")
        return self.default(f"scale.{key}") if asked is None else asked

    @cached_property
    def target(self) -> Value:
        """Wanted value a replica; the default depends on the metric."""
        asked = self.settings.get("scale.target")
        return (
            asked if asked is not None else Value(self.catalogue.default("scale.target")[self.scale("metric").v], Default("scale.target"))
        )

    @cached_property
    def autoscaled(self) -> bool:
        return self.scale("min").v != self.scale("max").v

    @cached_property
    def startup_seconds(self) -> Value:
        """Time a server may take to answer: read the weights at the storage path's pace, compile, and as much again."""
        path = self.platform.storage[self.model.store].read
        pace = self.catalogue.default("load.throughput")[path]
        compile_seconds = self.catalogue.default("load.compileSeconds")[self.accelerator.kind]
        margin, least = self.catalogue.default("probes.startup.margin"), self.catalogue.default("probes.startup.minimum")
        wait = max(least, margin * (math.ceil(self.weights / pace) + compile_seconds))
        rule = (
            f"{margin} x ({self.weights / GIB:.1f} GiB at {pace / GIB:.2f} GiB/s by {path} + {compile_seconds} s to compile),"
            f" at least {least} s"
        )
        return Value(
            wait,
            Derived(
                rule,
                (
                    self.model_ref,
                    *(
                        Value("", Default(k))
                        for k in ("load.throughput", "load.compileSeconds", "probes.startup.margin", "probes.startup.minimum")
                    ),
                ),
            ),
        )

    def served_name(self) -> Value:
        """The name clients send: as the first exposure says, else the service's own."""
        for index, exposure in enumerate(self.service.expose):
            if exposure.as_ is not None:
                return Value(exposure.as_, SpecAt(("serving", self.service_name, "expose", index, "as")))
        return text("{}", Value(self.service_name, SpecAt(("serving", self.service_name))))


def _gib(amount: float) -> str:
    return f"{math.ceil(amount / GIB)}Gi"
