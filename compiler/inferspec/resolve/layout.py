"""How one copy of a model lies on chips and nodes: tensor x pipeline x data parallel sizes, derived where nobody says them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from ..catalog import Topology
from ..values import Catalogue as FromCatalogue
from ..values import Derived, Value, derive

if TYPE_CHECKING:
    from .workload import Workload


class Layout:
    """Of one server. Tensor parallel stays within a machine or a slice; pipeline stages beyond one machine have machines of their own."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload

    def _asked(self, key: str, otherwise: Value) -> Value:
        asked = self.workload.settings.get(key)
        return otherwise if asked is None else asked

    @cached_property
    def topology(self) -> Topology | None:
        """The slice of a TPU class; None on GPUs, and where the machine has no such slice (check.capacity says so)."""
        w = self.workload
        if w.accelerator.kind != "tpu" or w.capacity.topology is None:
            return None
        return w.catalogue.topology(w.machine.id, w.capacity.topology)

    @cached_property
    def pipeline(self) -> Value:
        """Stages of layers."""
        return self._asked("pipelineParallel", Value(1, Derived("one stage holds every layer")))

    @cached_property
    def data(self) -> Value:
        """Copies of the model in one server."""
        return self._asked("dataParallel", Value(1, Derived("one copy a server; replicas are copies too")))

    @property
    def expert(self) -> Value | None:
        """Set where whole experts stand on a chip."""
        asked = self.workload.settings.get("expertParallel")
        return asked if asked is not None and asked.v is True else None

    @cached_property
    def tensor(self) -> Value:
        """Chips that share each layer."""
        asked = self.workload.settings.get("tensorParallel")
        if asked is not None:
            return asked
        w = self.workload
        own = Value(w.machine.chips, FromCatalogue(f"machines.{w.machine.id}.chips"))
        if self.topology is not None and self.topology.multi_host:
            rule = f"all {self.topology.chips} chips of the slice / pipeline and data parallel sizes"
            return derive(rule, max(1, self.topology.chips // (int(self.pipeline.v) * int(self.data.v))), own, self.pipeline, self.data)
        copies = int(self.data.v)
        if copies == 1:
            return own
        return derive("chips of the machine / data parallel size", max(1, w.machine.chips // copies), own, self.data)

    @property
    def most(self) -> int:
        """Chips that tensor parallel may take: those of a machine or a slice, which are wired to each other."""
        return self.topology.chips if self.topology is not None else self.workload.machine.chips

    @property
    def total(self) -> int:
        """Chips of one server."""
        return int(self.tensor.v) * int(self.pipeline.v) * int(self.data.v)

    @cached_property
    def nodes(self) -> int:
        """Machines of one server; a remainder is check.layout's."""
        if self.topology is not None:
            return self.topology.hosts
        return max(1, -(-self.total // max(1, self.workload.machine.chips)))

    @property
    def spans_nodes(self) -> bool:
        return self.nodes > 1

    @property
    def sound(self) -> bool:
        """Whether the chips exist and fill their machines; where not, check.layout says why."""
        own = self.workload.machine.chips
        if int(self.tensor.v) > self.most or (self.workload.accelerator.kind == "tpu" and self.total != self.most):
            return False
        return self.total <= own or (self.total % own == 0 and int(self.data.v) == 1)

    @cached_property
    def chips(self) -> Value:
        """Chips of one Pod."""
        if not self.spans_nodes:
            return derive("tensor x pipeline x data parallel size", self.total, self.tensor, self.pipeline, self.data) if (
                int(self.pipeline.v) * int(self.data.v) > 1
            ) else self.tensor
        w = self.workload
        return Value(w.machine.chips, FromCatalogue(f"machines.{w.machine.id}.chips"))

    @cached_property
    def size(self) -> Value:
        """Pods of one server."""
        if self.topology is not None:
            rule = f"{self.topology.chips} chips of {self.topology.name} / {self.topology.chips_per_host} a host"
            return Value(self.nodes, Derived(rule))
        return derive(f"{self.total} chips / {self.workload.machine.chips} a machine", self.nodes, self.tensor, self.pipeline, self.data)
