"""Bad inputs that the loader answers for, each read by a process of its own with 500 MB of memory and a deadline.

Numbers are those of the list of bad inputs that the raw tools were tried with; what other stages answer for is tested there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

COMPILER = Path(__file__).parent.parent / "compiler"
MEMORY = 500_000_000
DEADLINE = 20  # seconds; the slowest takes about one

READ = f"""
import io, json, resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))
from inferspec.load import load_spec
from inferspec.report import FORMATS, Report, render
document, found = load_spec(Path(sys.argv[1]), root=Path(sys.argv[2]))
shown = []
for format in FORMATS:
    stream = io.StringIO()
    render(format, Report(found, document.texts if document else {{}}), stream)
    shown.append(stream.getvalue())
print(json.dumps({{"codes": [d.code for d in found], "document": document is not None, "size": sum(map(len, shown))}}))
"""


def read(path: Path, root: Path) -> dict[str, object]:
    """What loading and every report say; fails on a traceback, a hang, or more memory than allowed."""
    command = [sys.executable, "-c", READ, os.fspath(path), os.fspath(root)]
    ran = subprocess.run(command, capture_output=True, timeout=DEADLINE, env={"PYTHONPATH": os.fspath(COMPILER)}, check=False)
    assert ran.returncode == 0, ran.stderr.decode()[-2000:]
    assert not ran.stderr
    result: dict[str, object] = json.loads(ran.stdout)
    assert isinstance(result["size"], int)
    assert result["size"] < 2_000_000, "the report itself must not be a bomb"
    return result


def bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    return "\n".join(lines)


TEXTS: list[tuple[str, Callable[[], str | bytes], set[str]]] = [
    ("1 alias bomb", bomb, {"SYN020"}),
    ("2 alias to itself", lambda: "a: &a [*a]", {"SYN020"}),
    ("3 5,000 open brackets", lambda: "a: " + "[" * 5_000, {"SYN040"}),
    ("3 2,000,000 open brackets", lambda: "[" * 2_000_000, {"SYN040"}),
    ("3 5,000 open braces", lambda: "a: " + "{a: " * 5_000, {"SYN040"}),
    ("4 1,500 maps inside one another", lambda: "".join(f"{' ' * n}a:\n" for n in range(1_500)), {"SYN040"}),
    ("4 lists inside one another on a line", lambda: "a:\n " + "- " * 3_000, {"SYN040"}),
    ("4 complex keys inside one another", lambda: "? " * 100_000, {"SYN031"}),
    ("5 scalar of 2 MB", lambda: "a: " + "x" * 2_000_000, {"SYN042"}),
    ("5 quoted scalar of 4 MB", lambda: 'a: "' + "\\x41" * 1_000_000 + '"', {"SYN042"}),
    ("5 key of 2 MB", lambda: "x" * 2_000_000 + ": a", {"SYN010", "SYN042"}),
    ("5 50 MB", lambda: "a: b\n" * 10_000_000, {"SYN003"}),
    ("5 100,000 list items", lambda: "a:\n" + "- b\n" * 100_000, set()),
    ("5 2,000,000 list items", lambda: "a: [" + "a," * 2_000_000 + "]", {"SYN041"}),
    ("5 500,000 empty maps", lambda: "a: [" + "{}," * 1_500_000 + "]", {"SYN041"}),
    ("5 160,000 maps of one key", lambda: "a:\n" + "- {a: {b: 1}}\n" * 160_000, set()),
    ("5 4.9 MB of comment", lambda: "#" * 4_900_000, {"SYN013"}),
    ("5 3,000,000 empty lines in quotes", lambda: "a: '" + "\n" * 3_000_000 + "'", {"SYN042"}),
    ("5 100 problems are enough", lambda: "a: NO\n" * 1_000, {"SYN030", "SYN032", "SYN043"}),
    ("5 4,900,000 control characters", lambda: b"a: " + b"\x01" * 4_900_000, {"SYN005"}),
    ("5 4,900,000 bytes that are no text", lambda: b"a: " + b"\xff" * 4_900_000, {"SYN004"}),
    ("6 duplicate key", lambda: "a: 1\nb: 2\na: 3\n", {"SYN030"}),
    ("8 Norway", lambda: "a: NO", {"SYN032"}),
    ("8 30 digits", lambda: "a: " + "9" * 30, {"SYN033"}),
    ("8 60,000 digits", lambda: "a: " + "9" * 60_000, {"SYN033"}),
    ("8 60,000 decimals", lambda: "a: 0." + "1" * 60_000, {"SYN034"}),
    ("8 60,000 digits with underscores", lambda: "a: " + "1_" * 30_000, {"SYN032"}),
    ("8 20,000 parts in base 60", lambda: "a: 1" + ":1" * 20_000 + "x", set()),
    ("9 version 1.10", lambda: "version: 1.10", {"SYN034"}),
    ("10 keys that are no text", lambda: "true: x\n1: x\n", {"SYN031"}),
    ("11 tags", lambda: "a: !!python/object/apply:os.system [x]\nb: !!binary eA==\nc: !secret x\n", {"SYN022"}),
    ("12 merge key", lambda: "a: {b: 1}\nc:\n  <<: {b: 2}\n", {"SYN021"}),
    ("13 two documents", lambda: "a: 1\n---\na: 2\n", {"SYN012"}),
    ("14 byte order mark", lambda: "\ufeffa: 1", {"SYN008"}),
    ("14 UTF-16", lambda: "a: 1".encode("utf-16"), {"SYN004"}),
    ("14 UTF-16 without a mark", lambda: "a: 1".encode("utf-16-be"), {"SYN004"}),
    ("14 UTF-32", lambda: "a: 1".encode("utf-32"), {"SYN004"}),
    ("14 CRLF", lambda: b"a:\r\n  b: 1\r\n", set()),
    ("14 NUL", lambda: b"a: b\x00c and more text", {"SYN005"}),
    ("14 lone surrogate", lambda: b"a: \xed\xa0\x80", {"SYN004"}),
    ("14 escaped surrogate", lambda: 'a: "\\ud800"', {"SYN010"}),
    ("14 tabs", lambda: "a:\n\tb: 1\n", {"SYN011"}),
    ("14 next line and line separators", lambda: "a: b\x85c\u2028d\u2029e\n", {"SYN005"}),
    ("15 bidirectional override", lambda: "a: \u202egnp.exe\n", {"SYN005"}),
    ("15 escaped bidirectional override", lambda: 'a: "\\u202e"\n', {"SYN005"}),
    ("15 what marks holes of templates", lambda: "a: \ue000x\ue001\n", {"SYN005"}),
    ("15 the same escaped", lambda: 'a: "\\ue000"\n', {"SYN005"}),
    ("16 empty", lambda: "", {"SYN013"}),
    ("16 null", lambda: "null\n", {"SYN013"}),
    ("16 list", lambda: "- a\n", {"SYN014"}),
    ("16 comment", lambda: "# a\n", {"SYN013"}),
    ("21 include of a URL", lambda: "include: ['https://example.com/x.yaml']", {"SYN002"}),
    ("21 include above the folder", lambda: "include: [../x.yaml]", {"SYN002"}),
    ("21 include of an absolute path", lambda: "include: [/etc/passwd.yaml]", {"SYN002"}),
    ("23 CUE in a value", lambda: 'a: "\\\\(x)"\nb: _|_\nc: "@embed(file=x)"\n', set()),
    ("27 Jinja in a value", lambda: "a: {{ cycler.__init__.__globals__ }}", {"SYN031"}),
    ("37 merge conflict", lambda: "<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> b\n", {"SYN006"}),
    ("37 Git LFS pointer", lambda: "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n", {"SYN007"}),
    ("37 git-crypt", lambda: b"\0GITCRYPT\0" + bytes(range(256)), {"SYN007"}),
]


@pytest.mark.parametrize(("make", "codes"), [t[1:] for t in TEXTS], ids=[t[0] for t in TEXTS])
def test_text(tmp_path: Path, make: Callable[[], str | bytes], codes: set[str]) -> None:
    content = make()
    path = tmp_path / "spec.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    result = read(path, tmp_path)
    assert set(result["codes"]) == codes  # type: ignore[call-overload]
    assert result["document"] or result["codes"]


def test_19_pipes_devices_folders_and_links(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    root.mkdir()
    (tmp_path / "outside.yaml").write_text("a: 1\n")
    (root / "inside.yaml").write_text("a: 1\n")
    os.mkfifo(root / "pipe.yaml")
    (root / "folder.yaml").mkdir()
    (root / "device.yaml").symlink_to("/dev/zero")
    (root / "out.yaml").symlink_to(tmp_path / "outside.yaml")
    (root / "circle.yaml").symlink_to("circle.yaml")
    (root / "in.yaml").symlink_to("inside.yaml")
    expected = {
        **{name: ["SYN001"] for name in ("pipe.yaml", "folder.yaml", "circle.yaml", "missing.yaml", "x" * 300 + ".yaml")},
        **{name: ["SYN002"] for name in ("device.yaml", "out.yaml", "../outside.yaml")},
        "in.yaml": [],
    }
    assert {name: read(root / name, root)["codes"] for name in expected} == expected
    assert read(Path("/dev/zero"), Path("/dev"))["codes"] == ["SYN001"]


def test_19_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from inferspec.load import load_spec

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "spec.yaml"
    path.write_text("a: 1\n")
    monkeypatch.setattr("inferspec.load.read.os.open", refuse)  # root, in a container, may read anything
    document, found = load_spec(path, root=tmp_path)
    assert document is None
    assert [(d.code, d.message) for d in found] == [("SYN001", "spec.yaml: cannot be read: permission denied")]


@pytest.mark.parametrize(
    "line",
    ["token: !x hf_abcdefghijklmnopqrstuvwx", "password: !x hunter2hunter2", 'key: !x "QUtJQUlPU0ZPRE5ON0VYQU1QTEU="'],
)
def test_30_secrets_are_not_echoed(tmp_path: Path, line: str) -> None:
    import io

    from inferspec.load import load_spec
    from inferspec.report import FORMATS, Report, render

    (tmp_path / "spec.yaml").write_text(line + "\n")
    document, found = load_spec(tmp_path / "spec.yaml", root=tmp_path)
    assert document
    assert [d.code for d in found] == ["SYN022"]
    secret = line.split()[-1].strip('"')
    for format in FORMATS:
        stream = io.StringIO()
        render(format, Report(found, document.texts), stream)
        assert secret not in stream.getvalue(), format


def test_37_a_file_name_that_is_not_text(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.yaml")
    (tmp_path / name).write_text("a: NO\n")
    assert read(tmp_path / name, tmp_path)["codes"] == ["SYN032"]
