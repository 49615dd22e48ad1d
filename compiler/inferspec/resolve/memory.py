"""Does the model fit? vLLM's own arithmetic, on the catalogue's figures (bytes throughout; a GiB is 2**30).

Weights and KV cache by the formulas of vllm 0.33.0: vllm/v1/worker/gpu_worker.py determine_available_memory and
vllm/v1/kv_cache_interface.py. Activations, graphs and communication cannot be derived: they are a reserve of the catalogue's defaults.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..catalog import Accelerator, Catalogue, Machine
from ..catalog import Model as ModelFacts

GIB = 2**30
_BYTES = {"bfloat16": 2.0, "float16": 2.0, "float8": 1.0, "fp8": 1.0, "int8": 1.0, "mxfp4": 4.25 / 8, "int4": 0.5, "float32": 4.0}


@dataclass(frozen=True, slots=True)
class Fit:
    """The account of one server on one machine shape.

    chips         chips that share one copy of the model
    budget        bytes a chip vLLM may use: memory x utilisation
    weights       bytes a chip
    kv_per_token  bytes a chip and token
    request       bytes a chip for one request of ``tokens`` tokens
    reserve       bytes a chip for activations, graphs and communication
    """

    shape: str
    accelerator: str
    chips: int
    memory: float
    utilisation: float
    weights: float
    kv_per_token: float
    tokens: int
    request: float
    reserve: float

    @property
    def budget(self) -> float:
        return self.memory * self.utilisation

    @property
    def headroom(self) -> float:
        """Bytes a chip left after weights, reserve and one longest request; negative when it does not fit."""
        return self.budget - self.weights - self.reserve - self.request

    @property
    def longest(self) -> int:
        """Tokens of the longest single request that fits; what sliding-window layers hold is taken as it is at ``tokens``."""
        free = self.budget - self.weights - self.reserve - (self.request - self.kv_per_token * self.tokens)
        return max(0, int(free / self.kv_per_token)) if self.kv_per_token else 0

    @property
    def concurrency(self) -> int:
        """Requests of ``tokens`` tokens that the KV cache holds at once."""
        return max(0, int((self.budget - self.weights - self.reserve) / self.request)) if self.request else 0

    @property
    def verdict(self) -> str:
        """``marginal`` where a reserve twice the estimate would not fit: the reserve is the part that cannot be derived."""
        if self.headroom < 0:
            return "does not fit"
        return "marginal" if self.headroom < self.reserve else "fits"


def weights_bytes(model: ModelFacts) -> int:
    """Bytes of all weights as stored; 0 where the catalogue has no figure."""
    if model.weights_bytes:
        return model.weights_bytes
    stored = model.quantisation or model.dtype or "bfloat16"
    return int((model.params or model.params_nominal) * _BYTES.get(stored, 2.0))


def batched_tokens(accelerator: Accelerator) -> int:
    """Tokens the engine schedules in one step by default (vllm 0.33.0 engine/arg_utils.py get_batch_defaults)."""
    if accelerator.kind == "tpu":
        return {"v6e": 1024, "v5e": 512, "v5p": 256}.get(accelerator.id, 1024)
    if accelerator.memory_gib >= 160:
        return 16384
    return 8192 if accelerator.memory_gib >= 70 and not accelerator.id.startswith("a100") else 2048


def kv_bytes(model: ModelFacts, tokens: int, chips: int, in_flight: int) -> tuple[float, float]:
    """(bytes a chip and token in the growing layers, bytes a chip for one request of ``tokens``).

    A sliding-window layer holds its window and what is in flight (SlidingWindowSpec.max_admission_blocks_per_request): with
    async scheduling two steps of tokens. KV heads are copied, not split, beyond their number.
    """
    if model.kv_lora_rank:
        one = (model.kv_lora_rank + model.qk_rope_head_dim) * 2.0 * model.layers
        return one, one * tokens
    heads = max(1, (model.kv_heads or 1) // chips)
    layer = 2 * heads * model.head_dim * 2.0
    growing = model.full_layers or max(0, model.layers - model.sliding_layers)
    full_heads = max(1, (model.kv_heads_full or model.kv_heads or 1) // chips)
    full = 2 * full_heads * (model.head_dim_full or model.head_dim) * 2.0
    window = min(tokens, model.sliding_window - 1 + in_flight if model.sliding_window else tokens)
    return full * growing, full * growing * tokens + layer * model.sliding_layers * window


def fit(catalogue: Catalogue, model: ModelFacts, machine: Machine, chips: int, tokens: int, utilisation: float) -> Fit:
    """The account of ``model`` on ``chips`` chips of ``machine``."""
    accelerator = catalogue.accelerators[machine.accelerator]
    per_token, request = kv_bytes(model, tokens, chips, 2 * batched_tokens(accelerator))
    return Fit(
        shape=machine.id,
        accelerator=accelerator.id,
        chips=chips,
        memory=accelerator.memory_gib * machine.fraction * GIB,
        utilisation=utilisation,
        weights=weights_bytes(model) / chips,
        kv_per_token=per_token,
        tokens=tokens,
        request=request,
        reserve=catalogue.default("fit.activationGiB")[accelerator.kind] * GIB,
    )


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
