"""Waits, for so long and no longer, until all weights of a server are complete.

Each argument is one folder: ``complete=gs://BUCKET/FOLDER`` has a manifest and every file of it, ``complete=/PATH`` the same on a volume,
``standing=gs://BUCKET/FOLDER`` was put there by others: it has objects, and every file that an index of safetensors names.
"""

import json
import os
import pathlib
import sys
import time

from bucket import MANIFEST, Absent, compared, document, listed, manifest

WAIT = float(os.environ.get("WAIT_SECONDS", "600"))
PERIOD = float(os.environ.get("PERIOD_SECONDS", "10"))
TOLD = pathlib.Path(os.environ.get("TERMINATION_LOG", "/dev/termination-log"))


def checked(argument):
    how, _, where = argument.partition("=")
    if not where.startswith("gs://"):
        return on_volume(pathlib.Path(where))
    bucket, _, folder = where[len("gs://") :].partition("/")
    return complete(bucket, folder) if how == "complete" else standing(bucket, folder)


def complete(bucket, folder):
    wanted = manifest(bucket, folder)["files"]
    compared(wanted, listed(bucket, folder), f"gs://{bucket}/{folder}")


def standing(bucket, folder):
    there = listed(bucket, folder)
    if not there:
        raise Absent(f"gs://{bucket}/{folder} is empty")
    for index in (name for name in there if name.endswith(".safetensors.index.json")):
        missing = set(document(bucket, f"{folder}/{index}")["weight_map"].values()) - set(there)
        if missing:
            raise Absent(f"gs://{bucket}/{folder} lacks {min(missing)}, which {index} names")


def on_volume(folder):
    try:
        wanted = json.loads((folder / MANIFEST).read_text())["files"]
    except OSError as error:
        raise Absent(f"{folder} is not filled yet: {error}") from error
    compared(wanted, {name: (folder / name).stat().st_size for name in wanted if (folder / name).exists()}, folder)


def waited(arguments):
    """Why the weights are not there after the wait, or nothing."""
    end, said, left = time.monotonic() + WAIT, "", list(arguments)
    while left:
        try:
            checked(left[0])
            print(f"{left.pop(0)}: complete", flush=True)
            continue
        except Absent as error:
            if str(error) != said:
                said = str(error)
                print(f"waiting: {said}", flush=True)
        if time.monotonic() + PERIOD > end:
            return f"no weights after {WAIT:g} s: {said}"
        time.sleep(PERIOD)
    return ""


if __name__ == "__main__":
    failure = waited(sys.argv[1:])
    if failure:
        TOLD.write_text(failure)
        sys.exit(failure)
