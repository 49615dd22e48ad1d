"""Fills a volume with one complete folder of a bucket: files first, the manifest last. A second run goes on where the first ended.

    hydrate.py gs://BUCKET/FOLDER /VOLUME/FOLDER

With SNAPSHOT, SNAPSHOT_CLASS and CLAIM set, the filled volume is then kept as that VolumeSnapshot, which read-only volumes are made from.
"""

import concurrent.futures
import hashlib
import http.client
import json
import os
import pathlib
import ssl
import sys
import time
import urllib.error
import urllib.request

from bucket import MANIFEST, Absent, compared, listed, manifest, read

WAIT = float(os.environ.get("WAIT_SECONDS", "21600"))
PERIOD = float(os.environ.get("PERIOD_SECONDS", "30"))
READERS = int(os.environ.get("READERS", "8"))
CHUNK = 8 << 20
ACCOUNT = pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount")


def awaited(ask):
    """What ``ask`` returns once it does; Absent ends the program after the wait."""
    end, said = time.monotonic() + WAIT, ""
    while True:
        try:
            return ask()
        except Absent as error:
            if time.monotonic() + PERIOD > end:
                sys.exit(f"gave up after {WAIT:g} s: {error}")
            if str(error) != said:
                said = str(error)
                print(f"waiting: {said}", flush=True)
            time.sleep(PERIOD)


def filled(bucket, folder, target, name, file):
    """Copies one file under a name of its own, and gives it its name once it is whole."""
    path, part = target / name, target / (name + ".part")
    if path.exists() and path.stat().st_size == file["bytes"]:
        return name
    path.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(5):
        start = part.stat().st_size if part.exists() else 0
        if start > file["bytes"]:
            part.unlink()
            continue
        try:
            if start < file["bytes"] or not part.exists():
                copied(bucket, f"{folder}/{name}", part, start)
            if part.stat().st_size == file["bytes"]:
                break
        except (Absent, OSError, http.client.HTTPException) as error:
            print(f"{name}: {error}, attempt {attempt + 1} of 5", flush=True)
            time.sleep(min(PERIOD, 2**attempt))
    else:
        raise Absent(f"{name} could not be read whole")
    if file.get("sha256") and digest(part) != file["sha256"]:
        part.unlink()
        raise Absent(f"{name} is not what the manifest says: its sha256 differs")
    part.rename(path)
    print(f"{name} {file['bytes']} bytes", flush=True)
    return name


def copied(bucket, name, part, start):
    with read(bucket, name, start) as response, part.open("ab") as out:
        while True:
            chunk = response.read(CHUNK)
            if not chunk:
                break
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())


def digest(path):
    total = hashlib.sha256()
    with path.open("rb") as data:
        while True:
            chunk = data.read(CHUNK)
            if not chunk:
                return total.hexdigest()
            total.update(chunk)


def hydrated(source, target):
    bucket, _, folder = source[len("gs://") :].partition("/")
    wanted = awaited(lambda: manifest(bucket, folder))
    compared(wanted["files"], listed(bucket, folder), source)
    if (target / MANIFEST).exists():
        print(f"{target} is complete", flush=True)
        return
    target.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(READERS) as pool:
        for done in [pool.submit(filled, bucket, folder, target, name, file) for name, file in sorted(wanted["files"].items())]:
            done.result()
    part = target / (MANIFEST + ".part")
    part.write_text(json.dumps(wanted, sort_keys=True))
    part.rename(target / MANIFEST)
    os.sync()


def api(method, path, body=None):
    """One call of the API server with the Pod's own token."""
    host = f"{os.environ.get('KUBERNETES_SERVICE_HOST')}:{os.environ.get('KUBERNETES_SERVICE_PORT')}"
    headers = {"Authorization": "Bearer " + (ACCOUNT / "token").read_text(), "Content-Type": "application/json"}
    request = urllib.request.Request(f"https://{host}{path}", json.dumps(body).encode() if body else None, headers, method=method)
    with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt")), timeout=60) as response:
        return json.load(response)


def kept(name, snapshot_class, claim, call=api):
    """Makes the VolumeSnapshot unless it is there, and waits until volumes can be made from it."""
    snapshots = f"/apis/snapshot.storage.k8s.io/v1/namespaces/{os.environ['NAMESPACE']}/volumesnapshots"
    spec = {"volumeSnapshotClassName": snapshot_class, "source": {"persistentVolumeClaimName": claim}}
    wanted = {"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {"name": name}, "spec": spec}
    try:
        call("POST", snapshots, wanted)
    except urllib.error.HTTPError as error:
        if error.code != 409:
            raise

    def ready():
        status = call("GET", f"{snapshots}/{name}").get("status", {})
        if not status.get("readyToUse"):
            raise Absent(f"snapshot {name} is not ready: {status.get('error', {}).get('message', 'being made')}")

    awaited(ready)
    print(f"snapshot {name} is ready", flush=True)


if __name__ == "__main__":
    try:
        hydrated(sys.argv[1], pathlib.Path(sys.argv[2]))
        if os.environ.get("SNAPSHOT"):
            kept(os.environ["SNAPSHOT"], os.environ["SNAPSHOT_CLASS"], os.environ["CLAIM"])
    except Absent as error:
        sys.exit(str(error))
