"""Whether safetensors files are whole, by their headers: no tensor is read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

INDEX = ".safetensors.index.json"
LARGEST_HEADER = 100_000_000
"""Bytes; the safetensors library refuses longer ones (huggingface/safetensors, MAX_HEADER_SIZE)."""

Read = Callable[[int, int], bytes]
"""Bytes from an offset, so many of them."""


def fault(size: int, read: Read) -> str:
    """What is wrong with a safetensors file of ``size`` bytes; empty where it is whole.

    8 bytes of header length, the header, then tensors without a gap: the largest end of a tensor is the end of the file
    (huggingface/safetensors, README, "Format").
    """
    if size < 8:
        return f"{size} bytes are no safetensors file"
    length = int.from_bytes(read(0, 8), "little")
    if length > min(LARGEST_HEADER, size - 8):
        return f"its header would have {length:,} bytes, the file has {size:,}"
    try:
        header = json.loads(read(8, length))
        ends = [int(tensor["data_offsets"][1]) for name, tensor in header.items() if name != "__metadata__"]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return "its header is not JSON of the safetensors form"
    needed = 8 + length + max(ends, default=0)
    return "" if needed == size else f"8 + header {length:,} + tensors {max(ends, default=0):,} = {needed:,} bytes, the file has {size:,}"


def file_fault(path: Path) -> str:
    with path.open("rb") as data:

        def read(start: int, count: int) -> bytes:
            data.seek(start)
            return data.read(count)

        return fault(path.stat().st_size, read)


def missing_shards(index: str, text: bytes, names: Iterable[str]) -> str:
    """What the index ``index`` names and ``names`` lack; empty where nothing does."""
    try:
        wanted = {str(shard) for shard in json.loads(text)["weight_map"].values()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"{index} has no weight_map"
    folder = index.rpartition("/")[0]
    lost = sorted({f"{folder}/{shard}" if folder else shard for shard in wanted} - set(names))
    return f"{index} names {', '.join(lost[:3])}{f' and {len(lost) - 3} more' if len(lost) > 3 else ''}, not there" if lost else ""
