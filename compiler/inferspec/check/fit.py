"""Does it fit: model on chips, Pod on machine, heads on ranks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..catalog import Machine
from ..diagnostics import Diagnostic, SpecPath
from ..quantity import parse
from ..resolve.memory import GIB, Fit, allocatable, fit
from ..resolve.workload import Workload
from ..values import Value
from .context import Context, place_of


def _capacity_path(workload: Workload) -> SpecPath:
    return (*workload.path, "capacity")


def memory(context: Context) -> Iterator[Diagnostic]:
    """Refused only where weights, or one longest request beside them, cannot fit: the reserve is an estimate."""
    seen: set[Any] = set()
    for workload in context.workloads():
        for shape in workload.capacity.shape:
            machine = context.catalogue.machines[shape]
            account = workload.fit(machine) if int(workload.chips.v) <= machine.chips else None
            key = (workload.path, shape, account.tokens if account else 0)
            if account is not None and account.headroom < 0 and key not in seen:
                seen.add(key)
                yield _does_not_fit(context, workload, account)


def _does_not_fit(context: Context, w: Workload, account: Fit) -> Diagnostic:
    assert w.facts is not None
    chips = f"{account.accelerator} x{account.chips}"
    weights = f"{account.weights * account.chips / GIB:.1f} GiB"
    if account.chips > 1:
        weights += f" / {account.chips} chips = {account.weights / GIB:.1f} GiB"
    stored = f"{(w.facts.params or w.facts.params_nominal) / 1e9:.1f} B parameters, {w.facts.quantisation or w.facts.dtype}"
    notes = (
        f"a chip has {account.memory / GIB:.1f} GiB x {account.utilisation:g} = {account.budget / GIB:.1f} GiB",
        f"weights {weights} ({stored})",
        f"KV cache for one request of {account.tokens:,} tokens {account.request / GIB:.1f} GiB, reserve {account.reserve / GIB:.1f} GiB",
        f"together {(account.budget - account.headroom) / GIB:.1f} GiB: {-account.headroom / GIB:.1f} GiB too much",
    )
    return context.finding(
        "FIT001",
        f"{w.service_name}: {w.model_key} does not fit {chips}",
        _capacity_path(w),
        label=f"{account.budget / GIB:.1f} GiB a chip",
        related=(context.span(("capacityClasses", w.capacity_name, "shape"), f"class {w.capacity_name} chooses {account.shape} here"),),
        notes=notes,
        help=_ways_out(context, w, account),
    )


def _ways_out(context: Context, w: Workload, account: Fit) -> str:
    """Fewer tokens, or the smallest machines that hold it: of the same accelerator first."""
    assert w.facts is not None
    ways = []
    if 1024 <= account.longest < account.tokens:
        ways.append(f"maxModelLen up to {account.longest // 1024 * 1024}")
    fitting: dict[str, Machine] = {}
    for machine in context.catalogue.machines.values():
        if machine.accelerator and machine.accelerator not in fitting and not machine.explicit_only and _divides(w, machine.chips):
            other = fit(context.catalogue, w.facts, machine, machine.chips, account.tokens, account.utilisation)
            if other.headroom >= 0:
                fitting[machine.accelerator] = machine
    memory = {m.id: m.chips * context.catalogue.accelerators[m.accelerator].memory_gib for m in fitting.values()}
    best = sorted(fitting.values(), key=lambda m: (m.accelerator != account.accelerator, memory[m.id]))[:3]
    if best:
        ways.append("fits on " + ", ".join(f"{m.id} ({m.accelerator} x{m.chips})" for m in best))
    return "; ".join(ways)


def _divides(w: Workload, chips: int) -> bool:
    heads = w.facts.heads if w.facts else 0
    return chips > 0 and (not heads or heads % chips == 0)


def pod(context: Context) -> Iterator[Diagnostic]:
    """The Pod's requests against what the smallest shape of the class leaves for Pods."""

    seen: set[Any] = set()
    for w in context.workloads():
        if int(w.layout.tensor.v) > w.layout.most:
            continue  # ACC101: what follows from chips that do not exist is noise
        if any((account := w.fit(context.catalogue.machines[shape])) and account.headroom < 0 for shape in w.capacity.shape):
            continue  # FIT001: a machine that holds the model on its chips has other memory
        milli, available = allocatable(w.smallest)
        asked = int(parse(str(w.pod.memory.v))) + w.pod.sidecar_bytes
        at = place_of(w.pod.memory, _capacity_path(w))
        if asked > available and (at, w.smallest.id) not in seen:
            seen.add((at, w.smallest.id))
            notes = (_account("server", w.pod.memory), _account("FUSE sidecar", w.pod.sidecar_memory))
            yield context.finding(
                "FIT002",
                f"{w.name}: the Pod asks for {asked / GIB:.0f} GiB, {w.smallest.id} leaves {available / GIB:.1f} GiB for Pods",
                at,
                notes=(
                    *notes,
                    f"{w.smallest.id} has {w.smallest.memory_gib:g} GiB; GKE keeps {w.smallest.memory_gib - available / GIB:.1f}",
                ),
                help="a machine type with more memory for the same chips, or resources.memory if you know better",
            )
        wanted = int(parse(str(w.pod.cpu.v)) * 1000)
        if wanted > milli:
            yield context.finding(
                "FIT003",
                f"{w.name}: the Pod asks for {w.pod.cpu.v} CPU, {w.smallest.id} leaves {milli / 1000:g}",
                place_of(w.pod.cpu, _capacity_path(w)),
                help="ask for less, or take a larger machine type",
            )


def _account(who: str, memory: Value) -> str:
    rule = getattr(memory.origin, "rule", "")
    return f"{who} {memory.v}" + (f": {rule}" if rule else "")


def least(context: Context) -> Iterator[Diagnostic]:
    """Memory asked for against what the server's own volumes can take of it."""
    seen: set[Any] = set()
    for w in context.workloads():
        asked = w.settings.get("resources.memory")
        at = place_of(w.pod.memory, _capacity_path(w))
        if asked is None or at in seen:
            continue
        seen.add(at)
        needed = int(w.pod.shm.v) * GIB + 2 * GIB
        if int(parse(str(asked.v))) < needed:
            yield context.finding(
                "FIT004",
                f"{w.name}: {asked.v} of memory is less than the server needs to start",
                at,
                notes=(f"shared memory {w.pod.shm.v}Gi and 2Gi for its processes = {needed // GIB}Gi",),
                help=f"derived, it would be {w.pod.server_bytes // GIB}Gi; leave resources.memory out for that",
            )


def parallelism(context: Context) -> Iterator[Diagnostic]:
    """Chips that exist, heads that divide (vllm 0.33.0 config/model.py verify_with_parallel_config, models/llama.py)."""
    seen: set[Any] = set()
    for w in context.workloads():
        asked = w.settings.get("tensorParallel")
        chips, at = int(w.layout.tensor.v), _capacity_path(w) if asked is None else place_of(asked, w.path)
        if (at, chips) in seen:
            continue
        seen.add((at, chips))
        if chips > w.layout.most:
            yield context.finding(
                "ACC101",
                f"{w.name}: tensor parallel {chips} on {w.machine.id}, which has {w.layout.most} chips",
                at,
                help="a larger machine type, fewer chips, or pipelineParallel: stages on machines of their own",
            )
            continue
        heads, kv = (w.facts.heads, w.facts.kv_heads) if w.facts else (0, 0)
        if heads and heads % chips:
            yield context.finding(
                "ACC102",
                f"{w.name}: {heads} attention heads of {w.model_key} do not divide by {chips} chips",
                at,
                help="tensorParallel: " + ", ".join(str(n) for n in (1, 2, 4, 8, 16) if heads % n == 0 and n <= w.machine.chips),
            )
        elif kv and not (kv % chips == 0 or chips % kv == 0):
            yield context.finding(
                "ACC102",
                f"{w.name}: {kv} KV heads of {w.model_key} neither divide by {chips} chips nor the chips by them",
                at,
                help="tensorParallel: "
                + ", ".join(str(n) for n in (1, 2, 4, 8, 16) if (kv % n == 0 or n % kv == 0) and n <= w.machine.chips),
            )
