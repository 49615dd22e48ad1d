"""What the memory account of a workload is asked to hold, from its settings and the engine's flags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..catalog import Model as ModelFacts
from ..catalog.engines import version_key
from ..diagnostics import SpecPath
from ..values import SpecAt, Value, derive
from .memory import LONGEST_UNKNOWN, Asked
from .parameters import weights_bytes
from .weights import model_facts

if TYPE_CHECKING:
    from .workload import Workload

HYBRID_CHUNKS = "VLLM_ALLOW_CHUNKED_LOCAL_ATTN_WITH_HYBRID_KV_CACHE"


def asked(workload: Workload) -> Asked:
    w, settings = workload, workload.settings
    slots, rank = lora_slots(w), lora_rank(w)
    draft_chips, chunks = settings.get("speculative.tensorParallel"), settings.env.get(HYBRID_CHUNKS)
    return Asked(
        tokens=int(w.tokens.v) if "maxModelLen" in w.engine.flags else 0,
        utilisation=_share(w),
        kv_bytes=settings.count(_named(w, "kvCacheBytes"), 0) if w.accelerator.kind == "gpu" else 0,
        tensor=int(w.layout.tensor.v),
        pipeline=int(w.layout.pipeline.v),
        data=int(w.layout.data.v),
        expert=w.layout.expert is not None,
        quantization=settings.said(_named(w, "quantization"), ""),
        kv_dtype=settings.said(_named(w, "kvCacheDtype"), "auto"),
        block_size=settings.count(_named(w, "blockSize"), 16),
        batched_tokens=settings.count(_named(w, "maxNumBatchedTokens"), 0) or None,
        hybrid=not settings.switched("disable-hybrid-kv-cache-manager"),
        hybrid_chunks=chunks is not None and chunks.v == "1",
        draft=_draft(w),
        draft_tensor=None if draft_chips is None else int(draft_chips.v),
        lora_slots=0 if slots is None else settings.count("max-loras", int(slots.v)),
        lora_rank=16 if rank is None else settings.count("max-lora-rank", int(rank.v)),
        eager=settings.switched("enforce-eager"),
        context=(w.context or LONGEST_UNKNOWN) if "hf-overrides" in settings.flags else 0,
        reserve_beside=w.engine.memory_fraction_excludes_reserve,
        of_free=w.engine.memory_fraction_of_free,
        loads_whole=_loads_whole(w),
        offloaded=int(w.pod.weight_offload.v) if w.pod.weight_offload is not None else 0,
    )


def _named(w: Workload, role: str) -> str:
    """The engine's flag for a role, without dashes; empty where it has none."""
    flag = w.engine.flags.get(role)
    return "" if flag is None else flag.name.removeprefix("--")


def _share(w: Workload) -> float:
    """Share of a chip's memory; the default where the flag holds no share, which the rule on flags refuses."""
    try:
        share = float(w.utilisation.v)
    except ValueError:
        share = 0.0
    return share if 0 < share <= 1 else float(w.catalogue.default("serving.gpuMemoryUtilization"))


def _loads_whole(w: Workload) -> bool:
    """Whether weights that are quantised while they load are on the chip as they are stored first."""
    until, version = w.engine.loads_whole_until, str(w.engine_version.v)
    return bool(until and version) and version_key(version) < version_key(until)


def _draft(w: Workload) -> ModelFacts | None:
    """Facts of the model that guesses tokens; None where there is none or nobody gave a figure."""
    method = w.settings.get("speculative.method")
    if w.draft is None or (method is not None and method.v == "ngram"):
        return None
    spec = w.platform.models.get(str(w.draft.v).partition("@")[0])
    found = model_facts(w.catalogue, spec) if spec is not None else None
    return found if found is not None and weights_bytes(found) else None


def lora_slots(workload: Workload) -> Value | None:
    """Adapters that one batch may mix: all that are loaded."""
    w = workload
    dynamic = w.service.dynamic_adapters
    if not w.service.adapters and dynamic is None:
        return None
    at = Value(len(w.service.adapters), SpecAt(("serving", w.service_name, "adapters")))
    total = int(at.v) + (dynamic.max if dynamic is not None else 0)
    return derive("adapters loaded at start and by request", total, at)


def lora_rank(workload: Workload) -> Value | None:
    """The least rank the engine takes that holds every adapter."""
    w = workload
    root: SpecPath = ("serving", w.service_name)
    asked: list[tuple[int, SpecPath]] = [(a.rank, (*root, "adapters", name, "rank")) for name, a in w.service.adapters.items()]
    if w.service.dynamic_adapters is not None:
        asked.append((w.service.dynamic_adapters.rank, (*root, "dynamicAdapters", "rank")))
    if not asked:
        return None
    rank, path = max(asked)
    said = Value(rank, SpecAt(path))
    held = next((r for r in w.engine.lora_ranks if r >= rank), rank)
    return said if held == rank else derive(f"the next rank the engine takes above {rank}", held, said)
