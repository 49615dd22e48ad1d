"""How a model is split: heads on ranks, layers on stages, experts on chips, rows of a quantised matrix on ranks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..diagnostics import Diagnostic, SpecPath
from ..resolve.workload import Workload
from .context import Context, place_of


def _asked_at(w: Workload, key: str) -> SpecPath:
    """Where a size was asked for, else the capacity that decides it."""
    said = w.settings.get(key)
    return (*w.path, "capacity") if said is None else place_of(said, w.path)


def heads(context: Context) -> Iterator[Diagnostic]:
    """Chips that exist, heads that divide (vllm 0.33.0 config/model.py verify_with_parallel_config, models/llama.py)."""
    seen: set[Any] = set()
    for w in context.workloads():
        chips, at = int(w.layout.tensor.v), _asked_at(w, "tensorParallel")
        if (at, chips) in seen:
            continue
        seen.add((at, chips))
        if chips > w.layout.most:
            has = "1 chip" if w.layout.most == 1 else f"{w.layout.most} chips"
            yield context.finding(
                "ACC101",
                f"{w.name}: tensor parallel {chips} on {w.machine.id}, which has {has}",
                at,
                help="a larger machine type, or fewer chips"
                + (", or pipelineParallel: stages on machines of their own" if "gpu" in w.engine.groups else ""),
            )
            continue
        queries, kv = (w.facts.heads, w.facts.kv_heads) if w.facts else (0, 0)
        if queries and queries % chips:
            yield context.finding(
                "ACC102",
                f"{w.name}: {queries} attention heads of {w.model_key} do not divide by {chips} chips",
                at,
                help="tensorParallel: " + ", ".join(str(n) for n in (1, 2, 4, 8, 16) if queries % n == 0 and n <= w.machine.chips),
            )
        elif kv and not (kv % chips == 0 or chips % kv == 0):
            yield context.finding(
                "ACC102",
                f"{w.name}: {kv} KV heads of {w.model_key} neither divide by {chips} chips nor the chips by them",
                at,
                help="tensorParallel: "
                + ", ".join(str(n) for n in (1, 2, 4, 8, 16) if (kv % n == 0 or n % kv == 0) and n <= w.machine.chips),
            )


def stages(context: Context) -> Iterator[Diagnostic]:
    """No more stages than layers, and no expert parallelism without experts (vllm 0.33.0 config/model.py verify_with_parallel_config)."""
    seen: set[Any] = set()
    for w in context.workloads():
        if w.facts is None or not w.facts.layers:
            continue
        experts, layers = _asked_at(w, "expertParallel"), _asked_at(w, "pipelineParallel")
        if w.asked.expert and not w.facts.experts and experts not in seen:
            seen.add(experts)
            yield context.finding(
                "FIT005",
                f"{w.name}: expert parallel, and {w.model_key} has no experts",
                experts,
                help="leave it out: tensor parallel splits a dense model",
            )
        if w.asked.pipeline > w.facts.layers and layers not in seen:
            seen.add(layers)
            yield context.finding(
                "FIT005",
                f"{w.name}: {w.asked.pipeline} pipeline stages for the {w.facts.layers} layers of {w.model_key}",
                layers,
                help=f"at most {w.facts.layers}",
            )


def groups(context: Context) -> Iterator[Diagnostic]:
    """A rank's rows hold whole groups of quantised parameters (vllm 0.33.0 quantization/fp8.py validate_fp8_block_shape)."""
    seen: set[Any] = set()
    for w in context.workloads():
        at = _asked_at(w, "tensorParallel")
        if w.facts is None or not w.facts.quant_group or at in seen:
            continue
        group, chips = w.facts.quant_group, w.asked.tensor
        widths = [w.facts.intermediate_size, 0 if w.asked.expert else w.facts.moe_intermediate_size]
        broken = next((width for width in widths if width and chips > 1 and width % (chips * group)), 0)
        if broken:
            seen.add(at)
            sizes = [str(n) for n in (1, 2, 4, 8, 16) if n <= w.layout.most and all(width % (n * group) == 0 for width in widths)]
            yield context.finding(
                "ACC108",
                f"{w.name}: {broken} wide layers of {w.model_key} do not divide by {chips} chips in groups of {group}",
                at,
                notes=(f"{broken} / {chips} = {broken / chips:g}, and every {group} parameters share a scale",),
                help=f"tensorParallel: {', '.join(sizes)}"
                + (", or expert parallelism" if broken == w.facts.moe_intermediate_size and not w.asked.expert else ""),
            )
