"""Does it fit: model on chips, Pod on machine."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from ..catalog import Machine
from ..diagnostics import Diagnostic, SpecPath
from ..quantity import parse
from ..resolve.ladder import sources
from ..resolve.memory import GIB, Asked, Fit, allocatable, fit
from ..resolve.parameters import format_in_use, weights_bytes
from ..resolve.workload import Workload
from ..values import Value
from .capacity import SOLD_AS
from .context import Context, place_of
from .once import numbers_of


def _capacity_path(workload: Workload) -> SpecPath:
    return (*workload.path, "capacity")


def beyond_context(w: Workload) -> bool:
    """More tokens than the model was made for: check.flags says so, and an account of them is noise."""
    return bool(w.context) and int(w.tokens.v) > w.context


def memory(context: Context) -> Iterator[Diagnostic]:
    """Refused only where weights, or one longest request beside them, cannot fit: the reserve is an estimate."""
    seen: set[Any] = set()
    for workload in context.workloads():
        for shape in workload.capacity.every_shape:
            machine = context.catalogue.machines[shape]
            account = workload.fit(machine) if workload.layout.sound else None
            if account is None or account.headroom >= 0 or beyond_context(workload):
                continue
            key = (workload.path, account.accelerator, account.chips, account.tokens, account.kv_bytes)
            if key not in seen:
                seen.add(key)
                if account.kv_bytes and account.memory - account.beside >= account.needed:
                    yield _cache_said(context, workload, account)
                else:
                    yield _does_not_fit(context, workload, _whole(context, workload, machine) if account.kv_bytes else account)


def _does_not_fit(context: Context, w: Workload, account: Fit) -> Diagnostic:
    return context.finding(
        "FIT001",
        f"{w.service_name}: {w.model_key} does not fit {account.accelerator} x{account.chips}",
        _capacity_path(w),
        label=f"{account.budget / GIB:.1f} GiB a chip",
        related=(context.span(("capacityClasses", w.capacity_name, "shape"), f"class {w.capacity_name} chooses {account.shape} here"),),
        notes=tuple(_arithmetic(w, account)),
        help=_ways_out(context, w, account),
        presumes=(numbers_of(w.model_key),),
    )


def _whole(context: Context, w: Workload, machine: Machine) -> Fit:
    """The account with all of a chip: no share holds where the spec gives the KV cache."""
    assert w.facts is not None
    return fit(context.catalogue, w.facts, machine, replace(w.asked, kv_bytes=0, utilisation=1.0))


def _cache_said(context: Context, w: Workload, account: Fit) -> Diagnostic:
    """A KV cache whose size the spec gives, beside weights that leave room for another."""
    left, said = account.memory - account.beside, w.settings.flags[w.engine.flags["kvCacheBytes"].name.removeprefix("--")]
    much = account.kv_bytes > left
    problem = (
        f"is more than the {left / GIB:.1f} GiB left" if much else f"is less than the {account.needed / GIB:.1f} GiB of the longest request"
    )
    return context.finding(
        "SRV135",
        f"{w.service_name}: a KV cache of {account.kv_bytes / GIB:.1f} GiB a chip {problem}",
        said.path,
        label=f"{account.kv_bytes / GIB:.1f} GiB a chip",
        notes=(
            f"{account.accelerator} has {account.memory / GIB:.1f} GiB a chip; weights and reserve take {account.beside / GIB:.1f} GiB",
            f"a request of {account.tokens:,} tokens: {account.needed / GIB:.1f} GiB",
            "it stands in place of the share of the memory, which the engine then does not look at",
        ),
        help=f"{math.ceil(account.needed)} to {int(left)}, or remove it: the share decides then",
    )


def _arithmetic(w: Workload, account: Fit) -> Iterator[str]:
    """The account, a line a part, in GiB a chip."""
    assert w.facts is not None
    if account.of_free:
        yield f"a chip has {account.memory / GIB:.1f} GiB; the KV cache gets {account.utilisation:g} of what weights and reserve leave"
    else:
        yield f"a chip has {account.memory / GIB:.1f} GiB x {account.utilisation:g} = {account.budget / GIB:.1f} GiB"
    whole = weights_bytes(w.facts, w.asked.quantization)
    weights = f"weights {whole / GIB:.1f} GiB"
    if account.chips > 1 or w.asked.offloaded:
        moved = f", {w.asked.offloaded} GiB a chip in host memory" if w.asked.offloaded else ""
        more = " and what each chip holds of its own" if account.weights * account.chips > whole * 1.002 and not moved else ""
        weights += f" / {_split(account)}{more}{moved} = {account.weights / GIB:.1f} GiB"
    yield f"{weights} ({(w.facts.params or w.facts.params_nominal) / 1e9:.1f} B parameters, {account.kept})"
    if account.loading:
        stored = f"{account.loading / GIB:.1f} GiB a chip"
        yield f"{w.engine.id} {w.engine_version.v} loads {stored} as it is stored, and makes it {account.kept} after that"
    for what, size in (("draft model", account.draft), ("adapters", account.adapters)):
        if size:
            yield f"{what} {size / GIB:.1f} GiB"
    requests = "one request" if account.requests == 1 else f"{account.requests} requests"
    size = account.request * account.requests + account.null_block
    kept = "" if account.kv_dtype == "auto" else f" ({account.kv_dtype})"
    yield f"KV cache for {requests} of {account.tokens:,} tokens {size / GIB:.1f} GiB{kept}, reserve {account.reserve / GIB:.1f} GiB"
    if account.loading and account.loading - account.memory >= -account.headroom:
        yield f"while it loads, {account.loading / GIB:.1f} of {account.memory / GIB:.1f} GiB: {-account.headroom / GIB:.1f} GiB too much"
    else:
        yield f"together {(account.budget - account.headroom) / GIB:.1f} GiB: {-account.headroom / GIB:.1f} GiB too much"


def _split(account: Fit) -> str:
    if account.pipeline == account.data == 1:
        return f"{account.chips} chips"
    named = (("tensor", account.tensor), ("pipeline", account.pipeline), ("data", account.data))
    return " x ".join(f"{name} {size}" for name, size in named if size > 1) + " parallel, fullest chip"


def _ways_out(context: Context, w: Workload, account: Fit) -> str:
    """Fewer tokens, smaller numbers, or the smallest machines that hold it: of the same accelerator first."""
    assert w.facts is not None
    ways = []
    if 1024 <= account.longest < account.tokens:
        ways.append(f"maxModelLen up to {account.longest // 1024 * 1024}")
    here = context.catalogue.machines[account.shape]
    for flags, smaller in _smaller(w, "fp8" in context.catalogue.accelerators[here.accelerator].dtypes):
        if _pod_fits(w, here, int(w.chips.v)) and fit(context.catalogue, w.facts, here, smaller).headroom >= 0:
            ways.append(f"flags: {{{flags}}}")
            break
    if (stages := _stages(context, w, here)) is not None:
        ways.append(f"pipelineParallel: {stages} over {stages} nodes")
    best = _machines(context, w, account)
    if best:
        ways.append("fits on " + ", ".join(f"{m.id} ({m.accelerator} x{m.chips})" for m in best))
    return "; ".join(ways)


def _smaller(w: Workload, fp8: bool) -> Iterator[tuple[str, Asked]]:
    """The same with eight bits where sixteen are, if the chip computes them: the KV cache, the weights, both."""
    if not fp8:
        return
    (cache, kept), (weights, method) = _eight(w, "kvCacheDtype"), _eight(w, "quantization")
    if cache and w.asked.kv_dtype in ("auto", "bfloat16"):
        yield cache, replace(w.asked, kv_dtype=kept)
    if (
        weights
        and not w.asked.quantization
        and w.facts is not None
        and format_in_use(w.facts, method) == "fp8" != format_in_use(w.facts, "")
    ):
        yield weights, replace(w.asked, quantization=method)
        if cache:
            yield f"{weights}, {cache}", replace(w.asked, quantization=method, kv_dtype=kept)


def _eight(w: Workload, role: str) -> tuple[str, str]:
    """What a spec says so that the engine keeps eight bits, and the value; empty where it cannot."""
    flag = w.engine.flags.get(role)
    return (f"{flag.name.removeprefix('--')}: {flag.eight_bits}", flag.eight_bits) if flag is not None and flag.eight_bits else ("", "")


def _machines(context: Context, w: Workload, account: Fit) -> list[Machine]:
    """Up to three machines on all of whose chips it fits, one an accelerator, the same accelerator first, then the smallest."""
    machines = [m for m in context.catalogue.machines.values() if m.accelerator]
    return _fitting(context, w, account, [m for m in machines if _is_sold(context, w, m)]) or _fitting(context, w, account, machines)


def _is_sold(context: Context, w: Workload, machine: Machine) -> bool:
    """Whether it is to be had by every source that the class asks."""
    asked = [source.kind for _, source in sources(context.platform.capacity_classes[w.capacity_name])]
    return {SOLD_AS.get(kind, kind) for kind in asked if kind != "node-pools"} <= {*machine.consumption, *machine.doubtful}


def _fitting(context: Context, w: Workload, account: Fit, machines: Iterable[Machine]) -> list[Machine]:
    assert w.facts is not None
    fitting: dict[str, Machine] = {}
    for machine in machines:
        if machine.accelerator not in fitting and _suits(context, w, machine):
            whole = replace(w.asked, tensor=machine.chips, pipeline=1, data=1)
            if fit(context.catalogue, w.facts, machine, whole).headroom >= 0:
                fitting[machine.accelerator] = machine
    memory = {m.id: m.chips * context.catalogue.accelerators[m.accelerator].memory_gib for m in fitting.values()}
    return sorted(fitting.values(), key=lambda m: (m.accelerator != account.accelerator, memory[m.id]))[:3]


def _suits(context: Context, w: Workload, machine: Machine) -> bool:
    """A machine that no other rule would refuse: of the same kind, with the formats, the image, the heads and the memory."""
    assert w.facts is not None
    accelerator, version = context.catalogue.accelerators[machine.accelerator], str(w.engine_version.v)
    computes = w.facts.dtype != "bfloat16" or "bf16" in accelerator.dtypes
    divides = not w.facts.heads or w.facts.heads % machine.chips == 0
    same = accelerator.kind == w.accelerator.kind and not machine.explicit_only and w.engine.runs_on(accelerator.arch, version)
    return same and computes and divides and _pod_fits(w, machine, machine.chips)


def _pod_fits(w: Workload, machine: Machine, chips: int) -> bool:
    return w.pod.bytes_on(chips) + w.pod.sidecar_bytes <= allocatable(machine)[1]


def _stages(context: Context, w: Workload, here: Machine) -> int | None:
    """Nodes over which it fits, as the engine spans them: two, or four."""
    assert w.facts is not None
    if w.accelerator.kind != "gpu" or "gpu" not in w.engine.groups or int(w.layout.tensor.v) != here.chips or w.layout.spans_nodes:
        return None
    found = (n for n in (2, 4) if n <= w.facts.layers and fit(context.catalogue, w.facts, here, replace(w.asked, pipeline=n)).headroom >= 0)
    return next(found, None) if _pod_fits(w, here, here.chips) else None


def pod(context: Context) -> Iterator[Diagnostic]:
    """The Pod's requests against what the smallest shape of the class leaves for Pods."""

    seen: set[Any] = set()
    for w in context.workloads():
        if int(w.layout.tensor.v) > w.layout.most:
            continue  # ACC101: what follows from chips that do not exist is noise
        if any((account := w.fit(context.catalogue.machines[shape])) and account.headroom < 0 for shape in w.capacity.every_shape):
            continue  # FIT001: a machine that holds the model on its chips has other memory
        milli, available = allocatable(w.smallest)
        asked = int(parse(str(w.pod.memory.v))) + w.pod.sidecar_bytes
        at = place_of(w.pod.memory, _capacity_path(w))
        if asked > available and (at, w.smallest.id) not in seen:
            seen.add((at, w.smallest.id))
            notes = (_account("server", w.pod.memory), *([_account("FUSE sidecar", w.pod.sidecar_memory)] if w.pod.sidecar_bytes else []))
            yield context.finding(
                "FIT002",
                f"{w.name}: the Pod asks for {asked / GIB:.0f} GiB, {w.smallest.id} leaves {available / GIB:.1f} GiB for Pods",
                at,
                notes=(
                    *notes,
                    f"{w.smallest.id} has {w.smallest.memory_gib:g} GiB; GKE keeps {w.smallest.memory_gib - available / GIB:.1f}",
                ),
                help=_more_memory(context, w, asked),
                presumes=(numbers_of(w.model_key),),
            )
        wanted = int(parse(str(w.pod.cpu.v)) * 1000)
        if wanted > milli:
            yield context.finding(
                "FIT003",
                f"{w.name}: the Pod asks for {w.pod.cpu.v} CPU, {w.smallest.id} leaves {milli / 1000:g}",
                place_of(w.pod.cpu, _capacity_path(w)),
                help="ask for less, or take a larger machine type",
            )


def _more_memory(context: Context, w: Workload, asked: int) -> str:
    """The smallest machine of the same chips that has it, and weights that need no cache."""
    ways = []
    own = context.catalogue.machines_of(w.accelerator.id)
    larger = [m for m in own if m.chips == w.smallest.chips and m.fraction == w.smallest.fraction and not m.explicit_only]
    held = next((m for m in sorted(larger, key=lambda m: m.memory_gib) if allocatable(m)[1] >= asked), None)
    if held is not None:
        ways.append(held.id)
    said = w.settings.get("resources.memory")
    room = allocatable(w.smallest)[1] - w.pod.sidecar_bytes
    if said is not None and room > 0:
        ways.append(f"resources.memory: {int(room // GIB)}Gi at most here")
    spilled = w.pod.offload_gib
    if said is None and spilled and (left := int((room - w.pod.server_bytes) // GIB) + spilled) > 0:
        ways.append(f"a KV cache offload of {left} GiB at most")
    streamed = w.pod.server_bytes + int(w.catalogue.default("storage.streamerGiB")) * int(w.chips.v) * GIB
    streamed = streamed if said is None else int(parse(str(said.v)))
    if "loadFormat" in w.engine.flags and w.pod.sidecar_bytes and streamed <= allocatable(w.smallest)[1]:
        ways.append("read: run-ai-streamer, which keeps no file cache")
    return ", or ".join(ways) or "a smaller model, or a machine of another accelerator: none of this one has as much for as many chips"


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
