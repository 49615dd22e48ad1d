"""Downloads one revision of a model and publishes it: files first, the manifest last.

Copies of the weights for other programs stay behind, as ``inferspec models publish`` leaves them out.
"""

import hashlib
import json
import os
import pathlib
import shutil

from huggingface_hub import HfApi, snapshot_download

FOLDERS = ("original/", "metal/")
FORMATS = ("*.bin", "*.pt", "*.pth", "*.h5", "*.msgpack", "*.onnx", "*.gguf", "*.tflite", "*.ot", "*.mlmodel")

repository, revision, prefix = (os.environ[k] for k in ("MODEL_REPOSITORY", "MODEL_REVISION", "MODEL_PREFIX"))
target = pathlib.Path("/store") / prefix
manifest = target / os.environ["MANIFEST"]
if manifest.exists():
    raise SystemExit(f"{prefix} is complete")
secret = pathlib.Path("/var/run/secrets/hugging-face/token")
token = secret.read_text().strip() if secret.exists() else None
served = [f for f in HfApi().list_repo_files(repository, revision=revision, token=token) if not f.startswith(FOLDERS)]
copies = [*(f"{folder}*" for folder in FOLDERS), *FORMATS] if any(f.endswith(".safetensors") for f in served) else None
local = pathlib.Path(snapshot_download(repository, revision=revision, local_dir="/scratch/model", token=token, ignore_patterns=copies))
published = {}
for path in sorted(p for p in local.rglob("*") if p.is_file() and ".cache" not in p.relative_to(local).parts):
    name = path.relative_to(local).as_posix()
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target / name)
    with path.open("rb") as data:
        published[name] = {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(data, "sha256").hexdigest()}
    print(f"{name} {published[name]['bytes']} bytes", flush=True)
if not any(name.endswith("config.json") for name in published):
    raise SystemExit(f"{repository}@{revision} has no config.json")
manifest.write_text(json.dumps({"repository": repository, "revision": revision, "files": published}, sort_keys=True))
