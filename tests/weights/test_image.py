"""What the image is made of, without an engine to build it: its install line in a fresh environment, and the command there."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import gobuild
import pytest

from tests import line

DOCKERFILE = (line.ROOT / "images/models/Dockerfile").read_text(encoding="utf-8")
LOCK = line.ROOT / "requirements/models.txt"


@pytest.fixture(scope="module")
def installed() -> Path:
    """The interpreter of an environment that has what the lock says, made once a lock by the Dockerfile's own line."""
    home = gobuild.cache_root() / "models" / gobuild.digest(sys.version, sys.base_prefix, LOCK, DOCKERFILE)[:20]
    python, stamp = home / "bin" / "python", home / ".complete"
    with gobuild.exclusive(home.with_suffix(".lock")):
        if not stamp.exists():
            shutil.rmtree(home, ignore_errors=True)
            venv.create(home, with_pip=True)
            said = re.search(r"^RUN python (-m pip install .*?) && rm", DOCKERFILE, re.MULTILINE)
            assert said is not None and "--require-hashes" in said[1]
            arguments = shlex.split(said[1].replace("/tmp/models.txt", str(LOCK)))
            done = subprocess.run([python, *arguments], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            stamp.touch()
    return python


def test_the_command_runs_with_the_lock_alone(installed: Path, tmp_path: Path) -> None:
    """A copy of the package without its tools, as .dockerignore leaves it."""
    package = tmp_path / "inferspec"
    shutil.copytree(line.ROOT / "compiler/inferspec", package, ignore=shutil.ignore_patterns("__pycache__", "bin", "crds"))
    environment = {"PYTHONPATH": str(tmp_path), "PATH": "/nowhere", "PYTHONDONTWRITEBYTECODE": "1", "NO_GCE_CHECK": "true"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([installed, *arguments], env=environment, capture_output=True, text=True, cwd=tmp_path)

    for name in ("pydantic", "jinja2", "ruamel.yaml", "shtab"):
        assert run("-c", f"import {name}").returncode == 1, f"{name} is of the compiler"
    shown = run("-m", "inferspec", "models", "publish", "--help")
    assert shown.returncode == 0 and "MODEL_SOURCE" in shown.stdout, shown.stderr
    order = ("--source", "hf://acme/tiny", "--revision", "0" * 40, "--to", "gs://models/acme/tiny", "--scratch", str(tmp_path / "s"))
    refused = run("-m", "inferspec", "models", "publish", *order)
    assert refused.returncode == 4 and "no Google Cloud credentials" in refused.stderr, refused.stderr


def test_without_the_extra_the_command_says_what_to_install(bare: str, tmp_path: Path) -> None:
    order = ("--source", "hf://acme/tiny", "--revision", "0" * 40, "--to", "gs://models/acme/tiny", "--scratch", str(tmp_path / "s"))
    command = f"{bare}\nimport sys\nfrom inferspec.cli import main\nsys.exit(main({['models', 'publish', *order]!r}))"
    done = subprocess.run([sys.executable, "-c", command], env=line.surroundings(None), capture_output=True, text=True)
    assert done.returncode == 4
    assert "is not installed: pip install 'inferspec[models]'" in done.stderr


@pytest.fixture
def bare() -> str:
    """Python that hides the extra's modules from the command."""
    return "import sys\nfor name in ('google', 'huggingface_hub', 'httpx2', 'requests'):\n    sys.modules[name] = None"


def test_the_image_runs_as_nobody_and_writes_to_scratch_alone() -> None:
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", DOCKERFILE, re.MULTILINE)
    assert "PYTHONDONTWRITEBYTECODE=1" in DOCKERFILE and "VOLUME /scratch" in DOCKERFILE
    assert DOCKERFILE.rstrip().endswith('ENTRYPOINT ["python", "-m", "inferspec", "models"]\nCMD ["publish"]')


def test_the_lock_has_hashes_and_no_host() -> None:
    text = LOCK.read_text(encoding="utf-8")
    pins = re.findall(r"^[a-z0-9-]+==\S+.*$", text, re.MULTILINE)
    assert len(pins) > 20 and all(pin.endswith("\\") for pin in pins) and "://" not in text
    tested = (line.ROOT / "requirements/test.txt").read_text(encoding="utf-8")
    assert {pin.split()[0] for pin in pins} <= set(re.findall(r"^[a-z0-9-]+==\S+", tested, re.MULTILINE))
