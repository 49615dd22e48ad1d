"""Names, keys and quantities against Kubernetes' grammars."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inferspec import names, quantity


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (names.dns1123_label_problem, ["a", "1a", "a-b", "a" * 63], ["", "A", "-a", "a-", "a.b", "a_b", "a" * 64, "a\n"]),
        (names.dns1123_subdomain_problem, ["a.b-c.1"], ["", "a..b", ".a", "a.", "A.b", "a" * 254]),
        (names.dns1035_problem, ["a1", "a-b"], ["1a", "", "a.b", "a" * 64]),
        (names.label_value_problem, ["", "A_b.c-1", "a" * 63], ["google/gemma", "gpu h100", "-a", "a-", "a" * 64, "a\n"]),
        (names.qualified_key_problem, ["a", "a.b/c_D", "nvidia.com/gpu"], ["", "/a", "a/", "A.b/c", "a b", "a/b/c", "x/" + "a" * 64]),
        (names.port_name_problem, ["http", "grpc-health", "a1"], ["", "Http", "1", "a--b", "a-", "inference-server-http"]),
        (names.config_key_problem, ["a.yaml", "_x", "-"], ["", "a b", "..", "..a", "."]),
        (names.path_segment_problem, ["system:x_Y", "A"], ["", "a/b", "..", "50%"]),
    ],
)
def test_grammars(check, good, bad) -> None:  # type: ignore[no-untyped-def]
    assert [text for text in good if check(text)] == []
    assert [text for text in bad if not check(text)] == []


def test_slug() -> None:
    assert names.slug("google/Gemma-3-27b_IT") == "google-gemma-3-27b-it"


@given(st.text(alphabet="abcdefghij-.", min_size=1, max_size=200), st.integers(min_value=10, max_value=100))
def test_truncation_keeps_to_its_limit_and_tells_names_apart(text: str, limit: int) -> None:
    short = names.truncate_with_hash(text, limit)
    assert len(short) <= limit
    assert short == names.truncate_with_hash(text, limit)
    if len(text) > limit:
        assert short != names.truncate_with_hash(text + "x", limit)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("80Gi", 80 * 1024**3),
        ("500m", Fraction(1, 2)),
        ("1e3", 1000),
        ("1E", 10**18),
        ("1.5Gi", 3 * 2**29),
        (2, 2),
        ("-1", -1),
        (".5", Fraction(1, 2)),
        ("1.", 1),
        ("+1k", 1000),
        ("100n", Fraction(1, 10**7)),
        ("1E3", 1000),
        ("0", 0),
    ],
)
def test_quantities(text: str | int, value: Fraction | int) -> None:
    assert quantity.parse(text) == value


@pytest.mark.parametrize("text", ["80Gib", "", "Gi", "1 Gi", "1KB", "1K2", "--1", "1..2", "1\n", "NaN", True, "1e1000"])
def test_no_quantities(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        quantity.parse(text)


@given(st.integers(min_value=0, max_value=2**60))
def test_binary_reads_back(amount: int) -> None:
    assert quantity.parse(quantity.binary(amount)) == amount
