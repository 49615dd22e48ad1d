"""The environment that `./dev engines` runs in: the real vLLM, built for CPU, with pytest and what inferspec imports.

Run by itself it makes the environment if it is not there and prints the path of its interpreter:

    python tools/engine_parts.py

It needs Linux on x86-64. vLLM brings PyTorch with its CUDA libraries, because PyPI has no smaller one in the version that vLLM wants.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import gobuild

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "vllm.txt"
INSTALLED_GB = 6.7
"""What the environment takes on disk; pip keeps 3 GB of wheels beside it until it is done."""
FREE_GB = INSTALLED_GB + 3
STAMP = ".inferspec-complete"
TELL_EVERY = 10


class EngineError(Exception):
    """The environment cannot be made; the message says what to do."""


def home(lock: Path = LOCK) -> Path:
    """The folder of the environment, named by the lock and the interpreter that it is made of."""
    return gobuild.cache_root() / "engines" / gobuild.digest(sys.version, sys.base_prefix, lock)[:20]


def interpreter(lock: Path = LOCK) -> Path:
    return home(lock) / "bin" / "python"


def prepare(lock: Path = LOCK, free_gb: float = FREE_GB, tell: gobuild.Say = gobuild.say) -> Path:
    """The interpreter of a complete environment; makes it if there is none. Raises EngineError.

    The stamp is written last, and an environment without it is made anew: an interrupted installation is never used.
    """
    folder = home(lock)
    with gobuild.exclusive(folder.with_suffix(".lock")):
        if (folder / STAMP).is_file():
            return interpreter(lock)
        _supported()
        shutil.rmtree(folder, ignore_errors=True)
        free = shutil.disk_usage(folder.parent).free / 1e9
        if free < free_gb:
            raise EngineError(
                f"vLLM needs {free_gb:.1f} GB free in {folder.parent} while it is installed; there are {free:.1f} GB\n"
                "free some, or name another disk by XDG_CACHE_HOME"
            )
        started = time.monotonic()
        tell(f"making the environment of the real vLLM in {folder}: {INSTALLED_GB} GB, 2 to 5 minutes, once")
        _run([sys.executable, "-m", "venv", str(folder)])
        _install(folder, lock, tell)
        (folder / STAMP).write_text(f"{lock.name}\n")
        tell(f"installed in {time.monotonic() - started:.0f} s; {folder.parent} can be deleted")
    return interpreter(lock)


def _supported() -> None:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise EngineError(f"requirements/vllm.txt is a lock for Linux on x86-64; this is {sys.platform} on {platform.machine()}")


def _install(folder: Path, lock: Path, tell: gobuild.Say) -> None:
    """Install the lock, saying every few seconds how far it is. The lock is complete: pip is not to resolve anything."""
    wanted = len(re.findall(r"^[A-Za-z0-9._-]+==", lock.read_text(encoding="utf-8"), re.MULTILINE))
    log = folder / "pip.log"
    with tempfile.TemporaryDirectory(dir=folder) as scratch, log.open("w", encoding="utf-8") as out:
        command = [
            str(folder / "bin" / "python"), "-m", "pip", "install", "--no-cache-dir", "--progress-bar=off", "--require-hashes", "--no-deps",
            "--only-binary=:all:", "--requirement", str(lock),
        ]  # fmt: skip
        running = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=_environment() | {"TMPDIR": scratch})
        try:
            while True:
                try:
                    status = running.wait(TELL_EVERY)
                    break
                except subprocess.TimeoutExpired:
                    tell(_progress(folder, log, wanted))
        finally:
            running.kill()
            running.wait()
    if status:
        raise EngineError(f"pip failed with exit status {status}:\n" + "\n".join(log.read_text(encoding="utf-8").splitlines()[-15:]))


def _progress(folder: Path, log: Path, wanted: int) -> str:
    text = log.read_text(encoding="utf-8")
    if "Installing collected packages" in text:
        held = sum(1 for _ in folder.glob("lib/python*/site-packages/*.dist-info"))  # pip's own among them
        return f"  {min(held, wanted)} of {wanted} packages installed"
    return f"  {text.count('Collecting ')} of {wanted} packages fetched"


def _run(command: list[str]) -> None:
    done = subprocess.run(command, env=_environment(), capture_output=True, text=True)
    if done.returncode:
        raise EngineError(f"{' '.join(command)} failed:\n{done.stderr.strip() or done.stdout.strip()}")


def _environment() -> dict[str, str]:
    """Ours, less what would lead Python out of the new environment."""
    kept = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"}}
    return kept | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}


if __name__ == "__main__":
    try:
        print(prepare())
    except EngineError as problem:
        sys.exit(f"inferspec: {problem}")
