"""What one server Pod asks its node for, and how long it takes to come and to go."""

from __future__ import annotations

import json
import math
from functools import cached_property
from typing import TYPE_CHECKING

from ..model.base import seconds
from ..quantity import parse
from ..values import Default, Derived, SpecAt, Value, derive
from .memory import GIB, allocatable
from .pace import pace

if TYPE_CHECKING:
    from .workload import Workload


class Pod:
    """Requests of the server and of the FUSE sidecar beside it. A memory-backed volume is charged to the container that writes it."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.default = workload.default

    # -- memory --------------------------------------------------------------------------------------------------------

    @cached_property
    def fused_bytes(self) -> int:
        """Bytes of all that the FUSE sidecar mounts; an adapter whose size nobody knows counts with its planning figure."""
        w = self.workload
        adapters = sum(1 for m in w.mounts.fused if m.name.startswith("adapter-"))
        adapters += w.service.dynamic_adapters.max if w.service.dynamic_adapters is not None else 0
        models = sum(m.artefact.size for m in w.mounts.fused if m.artefact is not None and m.artefact.is_model)
        return models + adapters * int(w.catalogue.default("storage.adapterGiB")) * GIB

    @cached_property
    def cache_bytes(self) -> int:
        """Size of the file cache: as asked, else the weights and a tenth, in whole GiB. It is never given back."""
        asked = self.workload.mounts.store.cache.size
        return int(parse(asked)) if asked is not None else math.ceil(self.fused_bytes * 1.1 / GIB) * GIB

    @cached_property
    def cache_size(self) -> Value:
        w = self.workload
        asked = w.mounts.store.cache.size
        if asked is not None:
            return Value(asked, SpecAt(("storage", w.model.store, "cache", "size")))
        rule = f"weights {self.fused_bytes / GIB:.1f} GiB x 1.1, in whole GiB"
        return Value(_gib(self.cache_bytes), Derived(rule, (w.model_ref, *([w.draft] if w.draft is not None else []))))

    @cached_property
    def cache_medium(self) -> Value:
        """memory, local-ssd or hyperdisk."""
        w = self.workload
        asked = w.mounts.store.cache.medium
        if asked is None:
            return self.default("storage.cacheMedium")
        return Value(asked, SpecAt(("storage", w.model.store, "cache", "medium")))

    @cached_property
    def cached_memory(self) -> int:
        """Bytes of the file cache that the sidecar is charged for."""
        return self.cache_bytes if self.workload.mounts.fused and self.cache_medium.v == "memory" else 0

    @cached_property
    def sidecar_bytes(self) -> int:
        if not self.workload.mounts.sidecar:
            return 0
        buffer, own = (int(self.workload.catalogue.default(k)) for k in ("storage.fuseBufferGiB", "storage.fuseSidecarGiB"))
        return self.cached_memory + (2 * buffer + own) * GIB

    @cached_property
    def sidecar_memory(self) -> Value:
        """Memory of the FUSE sidecar, said explicitly: its own default of 256Mi would end it while it fills the cache."""
        keys = ("storage.fuseBufferGiB", "storage.fuseSidecarGiB")
        buffer, own = map(self.workload.catalogue.default, keys)
        rule = f"buffers 2 x {buffer}Gi + its own {own}Gi"
        if not self.cached_memory:
            return Value(_gib(self.sidecar_bytes), Derived(rule, tuple(map(self.default, keys))))
        rule = f"file cache {_gib(self.cache_bytes)} + {rule}"
        return Value(_gib(self.sidecar_bytes), Derived(rule, (self.cache_size, *map(self.default, keys))))

    @cached_property
    def shm(self) -> Value:
        """GiB of /dev/shm: NCCL needs it between the chips of one server, and an offloaded KV cache is a file there.

        Every node of a server asks whether the whole of it has room (vLLM 0.32.0 v1/kv_offload/cpu/shared_offload_region.py).
        """
        key = "serving.shmGiB"
        own = Value(self.workload.catalogue.default(key)["one" if int(self.workload.chips.v) == 1 else "several"], Default(key))
        if self.offload is None:
            return own
        return derive(f"{own.v}Gi + KV cache offload {self.offload_gib}Gi", int(own.v) + self.offload_gib, own, self.offload)

    @cached_property
    def offload(self) -> Value | None:
        """GiB of host memory that the KV cache may spill into, all chips of the server together.

        Said by the engine's own flag, or in bytes by the connector that a spec configures (vLLM documentation, "OffloadingConnector").
        """
        if (own := self._said("kvOffload")) is not None:
            return own if _amount(own) else None
        said = self._said("kvTransferConfig")
        spilled = _spilled(str(said.v)) if said is not None else 0
        return derive("cpu_bytes_to_use in GiB", math.ceil(spilled / GIB), said) if spilled and said is not None else None

    @cached_property
    def offload_gib(self) -> int:
        return 0 if self.offload is None else math.ceil(float(self.offload.v))

    @cached_property
    def weight_offload(self) -> Value | None:
        """GiB of host memory of each chip that hold weights."""
        return self._whole_gib("weightOffload", "cpu-offload-gb, whole GiB", GIB)

    @cached_property
    def host_cache(self) -> Value | None:
        """GiB of host memory of each chip that take the KV cache it has no room for: SGLang's figure is in GB and for one rank."""
        return self._whole_gib("hostCache", "hicache-size in GiB", 10**9)

    def _said(self, role: str) -> Value | None:
        """What the spec says for the engine's flag of a role."""
        flag = self.workload.engine.flags.get(role)
        return self.workload.flag(flag.name) if flag is not None else None

    def _whole_gib(self, role: str, rule: str, unit: int) -> Value | None:
        """What a flag says in ``unit`` bytes; None where it says nothing above 0."""
        said = self._said(role)
        return derive(rule, math.ceil(_amount(said) * unit / GIB), said) if said is not None and _amount(said) else None

    @cached_property
    def stream_buffer(self) -> Value | None:
        """GiB of the streamer's read buffer of each process, one a chip; None where the weights are mounted."""
        return self.default("storage.streamerGiB") if self.workload.mounts.streamed else None

    @cached_property
    def server_bytes(self) -> int:
        return self.bytes_on(int(self.workload.chips.v))

    def bytes_on(self, chips: int) -> int:
        """What the server would ask for on so many chips of one node, its volumes aside."""
        defaults = self.workload.catalogue.default
        shared = int(defaults("serving.shmGiB")["one" if chips == 1 else "several"])
        buffer = int(self.stream_buffer.v) if self.stream_buffer is not None else 0
        moved = int(self.weight_offload.v) if self.weight_offload is not None else 0
        cached = int(self.host_cache.v) if self.host_cache is not None else 0
        per_chip = int(defaults("serving.hostMemoryPerChipGiB")) + buffer + moved + cached
        return (int(defaults("serving.hostMemoryGiB")) + per_chip * chips + shared + self.offload_gib) * GIB

    @cached_property
    def memory(self) -> Value:
        """Memory request and limit of the server."""
        asked = self.workload.settings.get("resources.memory")
        if asked is not None:
            return asked
        keys = ("serving.hostMemoryGiB", "serving.hostMemoryPerChipGiB")
        host, chip = map(self.workload.catalogue.default, keys)
        chips = self.workload.chips
        rule = f"engine {host}Gi + {chip}Gi x {chips.v} {'chip' if chips.v == 1 else 'chips'} + shared memory {self.shm.v}Gi"
        if self.offload is not None:
            rule += f" with the KV cache offload of {self.offload_gib}Gi"
        inputs = [chips, self.shm, *map(self.default, keys)]
        if self.stream_buffer is not None:
            rule += f" + read buffer {self.stream_buffer.v}Gi x {chips.v}"
            inputs.append(self.stream_buffer)
        if self.weight_offload is not None:
            rule += f" + weights {self.weight_offload.v}Gi x {chips.v}"
            inputs.append(self.weight_offload)
        if self.host_cache is not None:
            rule += f" + host KV cache {self.host_cache.v}Gi x {chips.v}"
            inputs.append(self.host_cache)
        return Value(_gib(self.server_bytes), Derived(rule, tuple(inputs)))

    @cached_property
    def cpu(self) -> Value:
        """Half of the chip's share of the machine: the rest is for sidecars and daemons."""
        asked = self.workload.settings.get("resources.cpu")
        if asked is not None:
            return asked
        smallest, chips = self.workload.smallest, self.workload.chips
        milli, _ = allocatable(smallest)
        share = max(1, milli // 2 * int(chips.v) // max(1, smallest.chips) // 1000)
        return Value(str(share), Derived(f"half of {milli}m allocatable on {smallest.id}, by chips", (chips,)))

    # -- time ----------------------------------------------------------------------------------------------------------

    @cached_property
    def load_seconds(self) -> int:
        """Seconds to read the weights by the path in use, at the pace the compiler plans with."""
        return math.ceil(self.workload.weights / pace(self.workload, str(self.workload.mounts.read.v)).rate)

    @cached_property
    def ready_seconds(self) -> int:
        """Seconds from the start of the container to the first answer: load, then compile."""
        w = self.workload
        return self.load_seconds + int(w.catalogue.default("load.compileSeconds")[w.accelerator.kind])

    @cached_property
    def startup_seconds(self) -> Value:
        """Time a server may take to answer: as asked; else to read the weights, to compile, and as much again."""
        w = self.workload
        asked = w.settings.get("startup")
        if asked is not None:
            return derive("startup in seconds", seconds(str(asked.v)), asked)
        path = str(w.mounts.read.v)
        told = pace(w, path)
        compile_seconds = w.catalogue.default("load.compileSeconds")[w.accelerator.kind]
        margin, least = w.catalogue.default("probes.startup.margin"), w.catalogue.default("probes.startup.minimum")
        wait = max(least, margin * self.ready_seconds)
        load = f"{w.weights / GIB:.1f} GiB at {told.rate / GIB:.2f} GiB/s by {told.text}"
        rule = f"{margin} x ({load} + {compile_seconds} s to compile), at least {least} s"
        keys = ("load.throughput", "load.compileSeconds", "probes.startup.margin", "probes.startup.minimum")
        return Value(wait, Derived(rule, (w.model_ref, *told.inputs, *(Value("", Default(k)) for k in keys))))

    @cached_property
    def timeout(self) -> Value:
        """The longest request a gateway of the service allows, in seconds."""
        w = self.workload
        asked = [
            (seconds(str(g.timeout)), e.gateway) for e in w.service.expose if (g := w.platform.gateways[e.gateway]).timeout is not None
        ]
        if not asked:
            return self.default("gateway.backendTimeout")
        longest, name = max(asked)
        said = Value(str(w.platform.gateways[name].timeout), SpecAt(("gateways", name, "timeout")))
        return derive("gateway timeout in seconds", longest, said)

    @cached_property
    def grace_seconds(self) -> Value:
        """Time to end: the load balancer's last requests, each as long as a gateway lets it be."""
        least, sleep = self.default("shutdown.grace"), self.default("shutdown.preStopSleep")
        if not self.workload.service.expose:
            return least
        longest = max(int(least.v), int(self.timeout.v) + int(sleep.v))
        return derive("gateway timeout + pre-stop sleep", longest, self.timeout, sleep)


def _amount(said: Value) -> float:
    """The figure of a flag; 0 where it is none above 0, which check.flags says."""
    try:
        amount = float(str(said.v))
    except ValueError:
        return 0
    return amount if 0 < amount < 10**6 else 0


def _spilled(config: str) -> int:
    """``cpu_bytes_to_use`` of a KV transfer configuration; 0 where it has none, or is no JSON, which check.flags says."""
    try:
        extra = json.loads(config).get("kv_connector_extra_config", {})
        return int(extra.get("cpu_bytes_to_use", 0))
    except (ValueError, AttributeError, TypeError):
        return 0


def _gib(amount: float) -> str:
    return f"{math.ceil(amount / GIB)}Gi"
