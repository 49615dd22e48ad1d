"""``inferspec models publish`` and ``inferspec models verify``: weights into a bucket, whole or not at all.

It runs in a container that has the ``models`` extra alone: nothing of the compiler is imported.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from argparse import Namespace
from pathlib import Path
from threading import Event

from ..weights.errors import Interrupted, Refusal
from ..weights.patience import Patience
from ..weights.progress import human
from . import INTERRUPTED, USAGE
from .stop import Stop

GIB, MIB = 1 << 30, 1 << 20


def run(options: Namespace) -> int:
    """Raises Stop with the exit code of a refusal."""
    if options.action is None:
        options.parser.print_help(sys.stderr)
        return USAGE
    stop = Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        return _publish(options, stop) if options.action == "publish" else _verify(options, stop)
    except Refusal as refusal:
        raise Stop(refusal.code, str(refusal)) from None
    except Interrupted:
        print("inferspec: stopped before the manifest was written; the same command continues", file=sys.stderr)
        return INTERRUPTED
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _publish(options: Namespace, stop: Event) -> int:
    from ..weights.bucket import Prefix
    from ..weights.publish import Means, Publication, Selection
    from ..weights.sources import Order, opened

    source, target = _set(options.source, "MODEL_SOURCE"), _set(options.to, "MODEL_TARGET")
    if not source or not target:
        raise Stop(USAGE, "name the source and the target: --source and --to, or MODEL_SOURCE and MODEL_TARGET")
    scratch = Path(_set(options.scratch, "MODEL_SCRATCH") or "inferspec-models")
    patience = Patience(first=_number(None, "MODEL_RETRY_SECONDS", 1.0, 0.001, 60))
    file = _set(options.token_file, "MODEL_TOKEN_FILE")
    order = Order(
        source,
        _set(options.revision, "MODEL_REVISION"),
        _set(options.sha256, "MODEL_SHA256"),
        Path(file) if file else None,
        scratch,
        patience,
    )
    include = options.include or os.environ.get("MODEL_INCLUDE", "").split()
    exclude = options.exclude or os.environ.get("MODEL_EXCLUDE", "").split()
    whole = options.all_formats or os.environ.get("MODEL_ALL_FORMATS", "") not in ("", "0")
    limit = _number(options.scratch_gib, "MODEL_SCRATCH_GIB", 0, 0, 1 << 20)
    means = Means(
        scratch,
        int(_number(options.workers, "MODEL_WORKERS", 4, 1, 64)),
        int(limit * GIB) if limit else None,
        int(_number(options.chunk_mib, "MODEL_CHUNK_MIB", 32, 0.25, 1024) * MIB),
        options.quiet,
    )
    begun = time.monotonic()
    opened_source = opened(order, stop)
    prefix = Prefix(target, patience, stop)
    done = Publication(opened_source, prefix, Selection(include, exclude, whole), means, stop).run()
    made = done.manifest
    what = f"{done.uploaded} uploaded, {done.there} there already" if done.uploaded else "complete already, nothing to do"
    held = f"{len(made.files)} files, {human(made.bytes)} in {prefix}"
    print(f"{made.source} at {made.revision}: {held} ({what}; {time.monotonic() - begun:.0f} s)")
    return 0


def _verify(options: Namespace, stop: Event) -> int:
    from ..weights.bucket import Prefix
    from ..weights.verify import verify

    prefix = Prefix(options.target, Patience(first=_number(None, "MODEL_RETRY_SECONDS", 1.0, 0.001, 60)), stop)
    manifest, wrong = verify(prefix, options.revision or "")
    for line in wrong:
        print(f"{prefix}: {line}")
    state = f"{len(wrong)} faults" if wrong else "complete"
    held = f"{len(manifest.files)} files, {human(manifest.bytes)}"
    print(f"{prefix}: {state}; {manifest.source} at {manifest.revision}, {held}")
    return 1 if wrong else 0


def _set(option: str | None, variable: str) -> str:
    """An option, else its variable of the environment."""
    return option if option is not None else os.environ.get(variable, "")


def _number(option: float | None, variable: str, usual: float, least: float, most: float) -> float:
    text = os.environ.get(variable, "")
    try:
        found = option if option is not None else float(text) if text else usual
    except ValueError:
        raise Stop(USAGE, f"{variable} is {text!r}, not a number") from None
    if not least <= found <= most:
        raise Stop(USAGE, f"{variable.removeprefix('MODEL_').lower().replace('_', '-')} is {found:g}: {least:g} to {most:g}")
    return found
