"""Does the model fit? vLLM's own arithmetic, on the catalogue's figures (bytes throughout; a GiB is 2**30).

Budget by vllm 0.33.0 vllm/v1/worker/gpu_worker.py determine_available_memory; weights in ``parameters``, KV cache in ``kv_cache``.
Activations, graphs and communication cannot be derived: they are a reserve of the catalogue's defaults.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from ..catalog import Accelerator, Catalogue, Machine
from ..catalog import Model as ModelFacts
from .kv_cache import Cache, caches
from .parameters import adapter_bytes, format_in_use, rank_bytes

GIB = 2**30
LONGEST_UNKNOWN = 100_000_000
"""Tokens up to which the longest request is sought for a model whose context is not known: what the language allows."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a server is asked to hold, and how it is split.

    tokens          longest request
    utilisation     share of a chip's memory that vLLM may use
    kv_bytes        bytes a chip of the KV cache where the spec gives them, in place of that share; else 0
    quantization    value of ``--quantization``, or empty
    kv_dtype        value of ``--kv-cache-dtype``
    block_size      tokens a block of the KV cache
    batched_tokens  tokens of one step; None for the engine's default on the accelerator
    concurrency     longest requests at once that must fit
    hybrid          vLLM's hybrid KV cache manager: sliding layers hold their window only
    hybrid_chunks   the same for chunked attention, which vLLM turns off unless it is told (config/vllm.py)
    draft           draft model of speculative decoding, on ``draft_tensor`` chips (None: on as many as the model)
    lora_slots      adapters at once on the chip, of at most ``lora_rank``
    eager           no CUDA graphs
    context         tokens that the spec makes the model's context, by overrides of its config.json; 0 where it does not
    loads_whole     weights that are quantised while they load are on the chip as they are stored first
    offloaded       GiB of weights a chip that stay in host memory
    reserve_beside  activations and graphs stand in the share of the memory that the engine leaves (SGLang)
    of_free         the share is of what weights and reserve leave, and for the KV cache alone (TensorRT-LLM)
    """

    tokens: int
    utilisation: float
    kv_bytes: int = 0
    tensor: int = 1
    pipeline: int = 1
    data: int = 1
    expert: bool = False
    quantization: str = ""
    kv_dtype: str = "auto"
    block_size: int = 16
    batched_tokens: int | None = None
    concurrency: int = 1
    hybrid: bool = True
    hybrid_chunks: bool = False
    draft: ModelFacts | None = None
    draft_tensor: int | None = None
    lora_slots: int = 0
    lora_rank: int = 16
    eager: bool = False
    reserve_beside: bool = False
    of_free: bool = False
    context: int = 0
    loads_whole: bool = False
    offloaded: int = 0

    @property
    def chips(self) -> int:
        """Chips of one server."""
        return self.tensor * self.pipeline * self.data


@dataclass(frozen=True, slots=True)
class Fit:
    """The account of one server on one machine shape, on a chip of the pipeline stage that has the least left.

    chips         chips of one server: tensor x pipeline x data
    memory        bytes a chip
    weights       bytes a chip; ``draft`` and ``adapters`` likewise, 0 where there are none
    kept          format of the weights on the chip
    loading       bytes a chip while weights load, where that is more than they are after it; else 0
    kv_per_token  bytes a chip and token, in the layers that grow with the request
    request       bytes a chip for one request of ``tokens`` tokens
    requests      longest requests at once that must fit
    reserve       bytes a chip for activations, graphs and communication
    kv_bytes      bytes a chip of the KV cache where the spec gives them; else 0
    """

    shape: str
    accelerator: str
    chips: int
    tensor: int
    pipeline: int
    data: int
    expert: bool
    memory: float
    utilisation: float
    weights: float
    draft: float
    adapters: float
    kept: str
    loading: float
    kv_dtype: str
    kv_per_token: float
    tokens: int
    request: float
    requests: int
    reserve: float
    kv_bytes: int
    of_free: bool
    context: int
    cache: Cache = field(repr=False)

    @property
    def budget(self) -> float:
        """Bytes a chip that the engine takes: its share, or what stands beside the KV cache and that (gpu_worker.py: "does not respect
        the gpu_memory_utilization config")."""
        if self.kv_bytes:
            return self.beside + self.kv_bytes
        return self.beside + (self.memory - self.beside) * self.utilisation if self.of_free else self.memory * self.utilisation

    @property
    def beside(self) -> float:
        """Bytes a chip of all but the KV cache."""
        return self.weights + self.draft + self.adapters + self.reserve

    @property
    def available(self) -> float:
        """Bytes a chip for the KV cache."""
        return self.budget - self.beside

    @property
    def null_block(self) -> int:
        """Bytes of the one block that vLLM never hands out."""
        return self.cache.block_bytes

    @property
    def headroom(self) -> float:
        """Bytes a chip left after weights, reserve and the longest requests; negative when it does not fit."""
        free = self.available - self.needed
        free = min(free, self.memory - self.budget) if self.kv_bytes else free
        return min(free, self.memory - self.loading) if self.loading else free

    @property
    def needed(self) -> float:
        """Bytes a chip of the KV cache for the longest requests."""
        return self.null_block + self.request * self.requests

    @property
    def longest(self) -> int:
        """Tokens of the longest request that fits as often as asked, and that the model was made for."""
        return self.cache.longest(self.available, self.context, self.requests) if self.cache.block_bytes else 0

    @property
    def concurrency(self) -> float:
        """Requests of ``tokens`` tokens that the KV cache holds at once."""
        return self.cache.concurrency(self.available, self.tokens)

    @property
    def verdict(self) -> str:
        """``marginal`` where a reserve twice the estimate would not fit: the reserve is the part that cannot be derived."""
        if self.headroom < 0:
            return "does not fit"
        return "marginal" if self.headroom < self.reserve else "fits"


def batched_tokens(accelerator: Accelerator, fraction: float = 1) -> int:
    """Tokens the engine schedules in one step by default on ``fraction`` of a chip (vllm 0.33.0 engine/arg_utils.py get_batch_defaults)."""
    if accelerator.kind == "tpu":
        return {"v6e": 1024, "v5e": 512, "v5p": 256}.get(accelerator.id, 1024)
    memory = accelerator.memory_gib * fraction
    if memory >= 160:
        return 16384
    return 8192 if memory >= 70 and not accelerator.id.startswith("a100") else 2048


def reserve_bytes(catalogue: Catalogue, accelerator: Accelerator, eager: bool) -> float:
    graphs = catalogue.default("fit.graphGiB")[accelerator.kind] if eager else 0
    return float((catalogue.default("fit.activationGiB")[accelerator.kind] - graphs) * GIB)


@lru_cache(maxsize=4096)
def fit(catalogue: Catalogue, model: ModelFacts, machine: Machine, asked: Asked) -> Fit:
    """The account of ``model`` on chips of ``machine``."""
    accelerator = catalogue.accelerators[machine.accelerator]
    stages = caches(
        model,
        asked.draft,
        tensor=asked.tensor,
        pipeline=asked.pipeline,
        dtype=asked.kv_dtype,
        block=asked.block_size,
        batched=asked.batched_tokens or batched_tokens(accelerator, machine.fraction),
        hybrid=asked.hybrid and (asked.hybrid_chunks or not model.chunk_size),
    )
    split = {"tensor": asked.tensor, "pipeline": asked.pipeline, "data": asked.data}
    moved = asked.offloaded * GIB
    weights = [max(0.0, size - moved) for size in rank_bytes(model, **split, expert=asked.expert, quantization=asked.quantization)]
    stored = [max(0.0, size - moved) for size in rank_bytes(model, **split, expert=asked.expert, quantization="")]
    memory = accelerator.memory_gib * machine.fraction * GIB
    left = min(memory * (1 - asked.utilisation), reserve_bytes(catalogue, accelerator, asked.eager))
    number, cache = max(enumerate(stages), key=lambda stage: weights[stage[0]] + stage[1].request(asked.tokens) * asked.concurrency)
    return Fit(
        shape=machine.id,
        accelerator=accelerator.id,
        chips=asked.chips,
        **split,
        expert=asked.expert,
        memory=memory,
        utilisation=asked.utilisation,
        weights=weights[number],
        draft=_draft_bytes(asked),
        adapters=adapter_bytes(model, asked.lora_slots, asked.lora_rank, asked.tensor, asked.pipeline),
        kept=format_in_use(model, asked.quantization),
        loading=max(stored) if asked.loads_whole and max(stored) > max(weights) else 0,
        kv_dtype=asked.kv_dtype,
        kv_per_token=cache.per_token,
        tokens=asked.tokens,
        request=cache.request(asked.tokens),
        requests=asked.concurrency,
        reserve=reserve_bytes(catalogue, accelerator, asked.eager) - (left if asked.reserve_beside else 0),
        kv_bytes=asked.kv_bytes,
        of_free=asked.of_free,
        context=asked.context or model.context_length or LONGEST_UNKNOWN,
        cache=cache,
    )


def _draft_bytes(asked: Asked) -> float:
    """Bytes a chip of the draft model's weights; it is not split into stages."""
    if asked.draft is None:
        return 0.0
    [size] = rank_bytes(asked.draft, tensor=asked.draft_tensor or asked.tensor, pipeline=1, data=1, expert=False, quantization="")
    return size


def allocatable(machine: Machine) -> tuple[int, int]:
    """(milli-CPU, bytes) that Pods can have on the machine (GKE documentation, "Plan GKE Standard node sizes")."""
    cpu = machine.vcpu * 1000
    reserved_cpu = 60 + (10 if machine.vcpu > 1 else 0) + 5 * min(max(machine.vcpu - 2, 0), 2) + 2.5 * max(machine.vcpu - 4, 0)
    memory, reserved, left = machine.memory_gib * GIB, 0.0, machine.memory_gib
    for size, share in ((4, 0.25), (4, 0.20), (8, 0.10), (112, 0.06), (float("inf"), 0.02)):
        taken = min(left, size)
        reserved += taken * share * GIB
        left -= taken
    return int(cpu - reserved_cpu), int(memory - reserved - 100 * 2**20)
