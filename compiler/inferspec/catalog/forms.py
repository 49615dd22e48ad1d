"""What a value of a row may be, beside its type: bounds, and how a text is written. Read by ``fitting`` alone, for a team's own rows."""

from __future__ import annotations

import re
from typing import Annotated, Literal, NamedTuple

MOST = 1e18
"""Beyond every figure of a row: what is larger is mistyped, and no arithmetic is made with it."""


class Within(NamedTuple):
    """A number from ``least`` on (``above`` it), up to ``most``."""

    least: float
    most: float = MOST
    above: bool = False

    def holds(self, value: float) -> bool:
        return (self.least < value if self.above else self.least <= value) and value <= self.most


class Written(NamedTuple):
    """A text of one form: what it is called, and the whole of it as a regular expression."""

    what: str
    form: str

    def holds(self, value: str) -> bool:
        return re.fullmatch(self.form, value) is not None


Count = Annotated[int, Within(1)]
Some = Annotated[int, Within(0)]
Size = Annotated[float, Within(0, above=True)]
Part = Annotated[float, Within(0, 1, above=True)]
Share = Annotated[float, Within(0, 1)]
Cost = Annotated[float, Within(0)]
Port = Annotated[int, Within(1, 65535)]
Degrees = Annotated[float, Within(-180, 180)]
Text = Annotated[str, Written("text", r"(?s).*\S.*")]
Date = Annotated[str, Written('a date such as "2026-11-21"', r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")]
UrlPath = Annotated[str, Written("a path such as /health", r"/[!-~]*")]
OptionalUrlPath = Annotated[str, Written("a path such as /metrics", r"(/[!-~]*)?")]
Slice = Annotated[str, Written("a topology such as 2x4", r"[1-9][0-9]{0,2}(x[1-9][0-9]{0,2}){1,2}")]
ZoneLetter = Annotated[str, Written("a zone such as a or ai1a", r"(ai[0-9])?[a-z]")]
GkeVersion = Annotated[str, Written("a GKE version such as 1.34.0-gke.2201000", r"([0-9]+\.[0-9]+\.[0-9]+(-gke\.[0-9]+)?)?")]

Consumption = Literal["on-demand", "spot", "flex-start", "reservation"]
Format = Literal["fp32", "tf32", "fp16", "bf16", "fp8", "fp4", "int8", "int4"]
Platform = Annotated[str, Written("gpu, tpu or cpu", r"gpu|tpu|cpu")]
SeriesType = Annotated[str, Written("gauge, counter or histogram", r"gauge|counter|histogram")]
Half = Annotated[str, Written("prefill or decode", r"prefill|decode")]
