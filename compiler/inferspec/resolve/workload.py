"""One service variant, settled for one subject: everything its objects are made of."""

from __future__ import annotations

from functools import cached_property

from ..catalog import Machine
from ..catalog.engines import Metric
from ..diagnostics import SpecPath
from ..model.serving import Canary
from ..values import SpecAt, Value, derive, text
from .asked import asked
from .chosen import Chosen
from .context_length import overridden_context
from .layout import Layout
from .memory import Asked, Fit, fit
from .mounts import Mounts
from .parameters import weights_bytes
from .pod import Pod


class Workload(Chosen):
    """What follows from what it is made of: mounts, layout, memory, Pod, replicas, names."""

    @cached_property
    def stable(self) -> Workload:
        """The workload whose requests a canary takes a share of."""
        return Workload(self.platform, self.catalogue, self.key._replace(canary=False), self.subject)

    # -- weights -------------------------------------------------------------------------------------------------------

    @cached_property
    def mounts(self) -> Mounts:
        return Mounts(self)

    @cached_property
    def prefix(self) -> Value:
        """Folder of the weights in the bucket."""
        return self.mounts.artefacts[0].folder

    @cached_property
    def bucket(self) -> Value:
        return self.mounts.bucket_of(self.mounts.artefacts[0])

    @cached_property
    def model_path(self) -> str:
        """Where the weights are mounted. It says which model, not which version, so that it never changes."""
        container = self.service.container
        pattern = container.model_path if container is not None and container.model_path is not None else self.engine.model_path
        return pattern.replace("{model}", self.model_key)

    # -- chips, memory, Pod --------------------------------------------------------------------------------------------

    @cached_property
    def layout(self) -> Layout:
        return Layout(self)

    @property
    def chips(self) -> Value:
        """Chips of one Pod."""
        return self.layout.chips

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
    def context(self) -> int:
        """Tokens of the longest request that the model takes, overrides of its config.json included; 0 where nobody knows."""
        known = self.facts.context_length if self.facts is not None else 0
        said = self.settings.flags.get("hf-overrides")
        return known if said is None else overridden_context(str(said.v), known)

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
    def queue(self) -> Value | None:
        """The queue that admits its Pods; None where Kueue does not look at them."""
        names = list(self.platform.queues)
        found = [names[index] for service, kind, index in self.subject.entries if kind == "queues" and service == self.service_name]
        return Value(found[-1], SpecAt(("queues", found[-1]))) if found else None

    @property
    def surges(self) -> bool:
        """A burst can lend one more node for a rolling update; a reservation alone is full, so the old server goes first."""
        return bool(self.capacity.burst)

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
