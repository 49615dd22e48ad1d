"""What counts as a secret, and what must stay readable. The tokens are made up."""

from __future__ import annotations

import base64

import pytest
from inferspec.diagnostics import Diagnostic, Edit, Fix, Span
from inferspec.report import Report
from inferspec.report.masking import clean, mask, neutral

RANDOM = "q7Zr2Xw9Lk4Vb8Nc1Mf6Tg3Hy5Jp0Sd"

SECRETS = [
    f"hf_{RANDOM}",
    "AKIAIOSFODNN7EXAMPLE",
    f"ghp_{RANDOM}",
    f"github_pat_{RANDOM}_{RANDOM}",
    f"glpat-{RANDOM}",
    f"AIza{RANDOM}abcd",
    f"ya29.{RANDOM}",
    f"xoxb-{RANDOM}",
    f"sk-proj-{RANDOM}",
    f"nvapi-{RANDOM}",
    f"eyJhbGciOiJIUzI1NiJ9.{RANDOM}.{RANDOM}",
    base64.b64encode(f"hf_{RANDOM}".encode()).decode(),
    base64.b64encode(b"AKIAIOSFODNN7EXAMPLE").decode(),
    base64.b64encode(b"-----BEGIN PRIVATE KEY-----\nMII").decode(),
    RANDOM * 3,
]


@pytest.mark.parametrize("secret", SECRETS)
def test_secret_is_masked_where_it_stands(secret: str) -> None:
    for line in (f"value: {secret}", f'  - "{secret}" # x', f"--api={secret}", f"({secret})"):
        assert mask(line) == line.replace(secret, "*" * len(secret))


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("password: hunter2", "password: *******"),
        ("password: correct horse  # x", "password: *************  # x"),
        ('{password: "correct, horse", a: b}', '{password: "**************", a: b}'),
        ("DB_PASSWORD='hunter2' x", "DB_PASSWORD='*******' x"),
        ("apiToken: " + RANDOM, "apiToken: " + "*" * 31),
        ("secret_key = deadbeefdeadbeefdeadbeefdeadbeef", "secret_key = " + "*" * 32),
        ("diskKey: projects/acme-keys/" + RANDOM, "diskKey: " + "*" * (19 + 31)),
        ("Authorization: Bearer " + RANDOM, "Authorization: Bearer " + "*" * 31),
        ("repo: https://bob:s3cret@git.example/x", "repo: https://**********@git.example/x"),
        ('"private_key": "-----BEGIN PRIVATE KEY-----\\nMIIE"', '"private_key": "' + "*" * 34),
    ],
)
def test_named_secret_is_masked(line: str, masked: str) -> None:
    assert mask(line) == masked


@pytest.mark.parametrize(
    "line",
    [
        "hugging-face: {secretManager: projects/acme-prod/secrets/hf-read, version: 7}",
        "configSync: {repo: https://git.acme.example/platform.git, auth: token, secretRef: git-creds}",
        "image: vllm/vllm-openai@sha256:" + "0a1b2c3d" * 8,
        "versions: {v1: 005ad3404e59d6023443cb575daa05336842228a}",
        "source: hf://google/gemma-3-27b-it",
        "secret: hugging-face",
        "diskKey: projects/acme-keys/locations/europe-west4/keyRings/gke/cryptoKeys/nodes2",
        "kmsKey: 'projects/acme/locations/eu/keyRings/Ring1/cryptoKeys/nodesOfEveryCluster/cryptoKeyVersions/1'",
        "secretsKey: keyRings/gke1/cryptoKeys/secrets",
        "key: nvidia.com/gpu",
        "tokenizer: google/gemma-3-27b-it",
        "kv-cache-dtype: fp8",
        "tls: {certificate: llm}",
    ],
)
def test_what_is_no_secret_stays(line: str) -> None:
    assert mask(line) == line


def test_a_key_over_several_lines() -> None:
    text = "a: 1\nkey: |\n  -----BEGIN RSA PRIVATE KEY-----\n  MIIEpAIBAAKCAQEA\n  -----END RSA PRIVATE KEY-----\nb: 2\n"
    report = Report([], {"x.yaml": text})
    lines = [report.line("x.yaml", n) for n in range(1, 7)]
    assert lines[0] == "a: 1"
    assert lines[3] == "*" * len("  MIIEpAIBAAKCAQEA")
    assert lines[5] == "b: 2"
    assert report.line("x.yaml", 8) is None
    assert report.line("other.yaml", 1) is None


def test_characters_that_act_are_replaced_one_for_one() -> None:
    text = "a\x1b[31m\x00\x85\u202e\u2028\ufeff\udc80é日\t"
    assert neutral(text) == "a�[31m������é日\t"
    assert clean("one\ntwo") == "one two"


def test_a_fix_that_would_write_a_secret_is_dropped() -> None:
    at = Span("x.yaml", 1, 1)
    for text, kept in (("true", True), (f"hf_{RANDOM}", False)):
        fix = Fix("write it", (Edit("x.yaml", 1, 1, 1, 2, text),))
        assert (Report([Diagnostic("SYN032", "m", at, fix=fix)]).diagnostics[0].fix is not None) == kept
