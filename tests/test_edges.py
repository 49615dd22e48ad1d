"""Specs at the edge of what is useful: they compile."""

from __future__ import annotations

from pathlib import Path

import pytest
from inferspec.cli import main

QUICKSTART = (Path(__file__).parent.parent / "specs" / "quickstart.yaml").read_text(encoding="utf-8")
INSIDE = "gateways:\n  inside: {class: regional-internal, where: all, host: i.acme.example}\n"
GROUP = "{namespace: assistants, group: assistants@acme.example}"
EXPOSED = "    expose: [{gateway: public, as: gemma-3-1b, objective: interactive}]\n"


def without_serving() -> str:
    head, _, rest = QUICKSTART.partition("serving:\n")
    return head + "objectives:" + rest.partition("objectives:")[2]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(QUICKSTART.replace(EXPOSED, ""), id="a gateway without a service"),
        pytest.param(QUICKSTART.replace(EXPOSED, "    expose: []\n"), id="an empty list of exposures"),
        pytest.param(without_serving(), id="no service at all"),
        pytest.param(
            QUICKSTART.replace("gateways:\n", INSIDE),
            id="a gateway more",
        ),
        pytest.param(QUICKSTART.replace("min: 1, max: 4", "min: 2, max: 2"), id="a fixed scale"),
        pytest.param(
            QUICKSTART.replace("burst: [on-demand, spot]", "burst: [on-demand], bootDisk: 200Gi").replace("1127000", "1431000"),
            id="a boot disk",
        ),
        pytest.param(QUICKSTART.replace("{namespace: assistants}", GROUP), id="a group"),
    ],
)
def test_compiles(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert text != QUICKSTART
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "platform.yaml").write_text(text, encoding="utf-8")
    code = main(["compile", "-C", str(tmp_path), "-q"])
    assert code == 0, capsys.readouterr().out
