"""``inferspec lock``: the digest of every image that the spec makes nodes pull, beside the spec."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..files import replace_file
from ..load.lock import lock_path, read_lock
from ..pipeline import vet
from ..registry import RegistryError, digest_of
from ..resolve.fleet import Fleet
from ..resolve.images import images_of
from . import STALE, TOOL
from .session import refused, request, stopped
from .stop import Stop


def run(options: Namespace) -> int:
    asked = request(options)
    outcome = vet(asked)
    if outcome.fleet is None or stopped(outcome, ("SYNC118",)):
        options.format = "text"
        return refused(options, outcome)
    held, _ = read_lock(asked.spec, asked.root)
    wanted = references(outcome.fleet)
    kept = {} if options.update else {image: digest for image, digest in held.items() if image in wanted}
    found = kept | _asked(sorted(set(wanted) - set(kept)), options.jobs)
    if options.check:
        return _compared(lock_path(asked.spec), held, found)
    _write(lock_path(asked.spec), found)
    if not options.quiet:
        told = [f"{len(found)} images", f"{len(set(found) - set(kept))} asked for", f"{len(set(held) - set(found))} removed"]
        print(f"{lock_path(asked.spec)}: {', '.join(told)}", file=sys.stderr)
    return 0


def references(fleet: Fleet) -> list[str]:
    """Images as they are pulled, without a digest; those that the spec itself pins by digest need none."""
    pulled = {str(image.v).partition("@")[0]: str(image.v) for place in fleet.places for image, _ in images_of(fleet, place)}
    return sorted(name for name, whole in pulled.items() if whole == name or name in fleet.catalogue.digests)


def _asked(images: list[str], jobs: int) -> dict[str, str]:
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        answers = list(pool.map(_answer, images))
    failed = [answer for answer in answers if isinstance(answer, RegistryError)]
    if failed:
        raise Stop(TOOL, "the lock stays as it was\n" + "\n".join(f"  {error}" for error in failed))
    return {image: answer for image, answer in zip(images, answers, strict=True) if isinstance(answer, str)}


def _answer(image: str) -> str | RegistryError:
    try:
        return digest_of(image)
    except RegistryError as error:
        return error


def _compared(path: Path, held: dict[str, str], found: dict[str, str]) -> int:
    for image in sorted(held.keys() | found.keys()):
        if held.get(image) != found.get(image):
            print(f"{image}: {held.get(image, 'not in the lock')} -> {found.get(image, 'not pulled any more')}", file=sys.stderr)
    return STALE if held != found else 0


def _write(path: Path, images: dict[str, str]) -> None:
    replace_file(path, (json.dumps({"images": images}, indent=1, sort_keys=True) + "\n").encode())
