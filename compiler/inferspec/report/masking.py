"""Makes text from a spec safe to show: no secret is echoed, no character acts on a terminal or hides another.

Masks keep the length of what they hide, so that a caret still stands under the right column.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ..diagnostics import Diagnostic, Span, SpecPath, Waiver

# Token shapes as their issuers document them, and their base64 forms (the first letters are fixed by the prefix).
_TOKENS = re.compile(
    r"""\b(?:
        hf_[A-Za-z0-9]{16,} | api_org_[A-Za-z0-9]{16,}             # Hugging Face
      | (?:AKIA|ASIA)[A-Z0-9]{16}                                  # AWS
      | gh[pousr]_[A-Za-z0-9]{20,} | github_pat_[A-Za-z0-9_]{20,}  # GitHub
      | glpat-[A-Za-z0-9_-]{16,}                                   # GitLab
      | AIza[A-Za-z0-9_-]{30,} | ya29\.[A-Za-z0-9_.-]{16,} | GOCSPX-[A-Za-z0-9_-]{20,}  # Google
      | xox[abprs]-[A-Za-z0-9-]{10,}                               # Slack
      | (?:sk|nvapi|pk|rk)-[A-Za-z0-9_-]{20,}                      # model providers
      | aGZf[A-Za-z0-9+/]{16,}={0,2} | QUtJQ[A-Za-z0-9+/]{16,}={0,2} | LS0tLS1CRUdJT[A-Za-z0-9+/]+={0,2}
    )""",
    re.VERBOSE,
)
# JSON Web Token. What stands before it in one run of its letters is read once, and only where a "." follows.
_JWT = re.compile(
    r"(?<![A-Za-z0-9_-])(?=[A-Za-z0-9_-]++\.[A-Za-z0-9_-]{8})[A-Za-z0-9_-]*?\b(eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]++(?:\.[A-Za-z0-9_-]*+)?)"
)
_USERINFO = re.compile(r"(?<=://)[^\s/@:\"']*:[^\s/@\"']+(?=@)")
# A name before the value, and tags, of so many characters: unbounded, each "key" of "keykeykey..." would read all the rest.
_SET_TO = r"""["']?\s*+[:=]\s*+(?:[!&]\S{0,200}+\s++){0,3}+"""
_PASSWORD = re.compile(
    r"(?i)(?:passw(?:or)?d|passphrase|pwd)" + _SET_TO + r"""(?:"([^"]+)|'([^']+)|([^\s"'{}\[\],#](?:[^{}\[\],#\n]*[^\s{}\[\],#])?))"""
)
_NAMED = re.compile(r"(?i)(?:token|key|secret|credential|auth)[\w-]{0,64}" + _SET_TO + r"""(?:Bearer\s+)?["']?([A-Za-z0-9+/_=.-]{20,})""")
_LONG = re.compile(r"(?<![A-Za-z0-9+/_-])([A-Za-z0-9+/]{60,}={0,2})")
_PEM_START = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}?(?:PRIVATE KEY|ENCRYPTED)[A-Z0-9 ]{0,40}+-----")
_PEM = re.compile(_PEM_START.pattern + r"(?:.*?-----END [A-Z0-9 ]+-----|.*)", re.DOTALL)
_SECRET = 20
"""Characters that a token has at least."""
_RESOURCE = re.compile(r"projects/|(?:locations|keyRings|cryptoKeys)/|\S*/(?:keyRings|cryptoKeys)/")
"""Resource names of Google Cloud, such as that of a Cloud KMS key, are no secret."""
_HEX = re.compile(r"[0-9a-fA-F]{32,}\Z")
_ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e0fff]"
)


def mask(text: str) -> str:
    """``text`` with everything that looks like a secret starred out; line breaks stay."""
    if "-----BEGIN" in text:
        text = _PEM.sub(lambda m: re.sub(r"[^\n]", "*", m[0]), text)
    text = _TOKENS.sub(_stars, text)
    if "eyJ" in text:
        text = _JWT.sub(_stars_group, text)
    if "://" in text:
        text = _USERINFO.sub(_stars, text)
    text = _PASSWORD.sub(_stars_group, text)
    text = _NAMED.sub(lambda m: _stars_group(m) if _random(m[1]) else m[0], text)
    return _LONG.sub(lambda m: _stars(m) if _mixed(m[1]) and _random(m[1]) else m[0], text)


def neutral(text: str) -> str:
    """``text`` with control, bidi and other invisible characters replaced by U+FFFD; tabs and line feeds stay."""
    return text if text.isascii() and text.isprintable() else _ACTING.sub("\ufffd", text)


def clean(text: str) -> str:
    """One line of text that is safe to show."""
    return neutral(mask(" ".join(text.split("\n")) if "\n" in text else text))


def masked_lines(text: str) -> list[str]:
    """The lines of a file, masked; a key that runs over several lines is masked in each."""
    if "-----BEGIN" in text:
        text = _PEM.sub(lambda m: re.sub(r"[^\n]", "*", m[0]), text)
    return _Lines(text.split("\n"))


class _Lines(list[str]):
    """Masks a line when it is asked for, and once: few lines of a long file are ever shown, one of them perhaps for each finding."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(lines)
        self._masked: dict[int, str] = {}

    def __getitem__(self, n):  # type: ignore[no-untyped-def]
        if n not in self._masked:
            self._masked[n] = mask(super().__getitem__(n).removesuffix("\r"))
        return self._masked[n]


def clean_diagnostic(d: Diagnostic) -> Diagnostic:
    """``d`` with every text in it safe to show. A fix that would write a secret is dropped."""
    fix = d.fix if d.fix is None or all(clean(edit.text) == edit.text.replace("\n", " ") for edit in d.fix.edits) else None
    return replace(
        d,
        code=clean(d.code),
        message=clean(d.message),
        span=_span(d.span),
        path=_path(d.path),
        related=tuple(_span(span) for span in d.related),
        notes=tuple(clean(note) for note in d.notes),
        help=clean(d.help),
        object=clean(d.object),
        field=clean(d.field),
        fix=fix,
        waiver=d.waiver and _waiver(d.waiver),
    )


def _span(span: Span) -> Span:
    return replace(span, file=clean(span.file), label=clean(span.label))


def _path(path: SpecPath) -> SpecPath:
    return tuple(clean(step) if isinstance(step, str) else step for step in path)


def _waiver(waiver: Waiver) -> Waiver:
    return replace(waiver, rule=clean(waiver.rule), at=_path(waiver.at), reason=clean(waiver.reason), owner=clean(waiver.owner))


def _stars(match: re.Match[str]) -> str:
    return "*" * len(match[0])


def _stars_group(match: re.Match[str]) -> str:
    group = match.lastindex or 0
    start, end = match.start(group) - match.start(), match.end(group) - match.start()
    return match[0][:start] + "*" * (end - start) + match[0][end:]


def _random(text: str) -> bool:
    """Names and paths are words in one case; tokens mix."""
    if _RESOURCE.match(text):
        return any(len(step) >= _SECRET and _random(step) for step in text.split("/"))
    return _mixed(text) or _HEX.match(text) is not None


def _mixed(text: str) -> bool:
    return any(c.isdigit() for c in text) and any(c.isupper() for c in text) and any(c.islower() for c in text)
