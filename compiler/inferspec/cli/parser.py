"""Every command and option, with help and examples."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from .. import __version__

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction["_Parser"]

FORMATS = ("text", "json", "sarif", "github", "junit", "markdown")


class _Parser(argparse.ArgumentParser):
    """argparse's own message, with the way out."""

    def error(self, message: str) -> None:  # type: ignore[override]
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {message} (try '{self.prog} --help')\n")


def build() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="inferspec",
        description="Compile one platform spec into checked Kustomize overlays for every region and cluster.",
        epilog="exit codes: 0 clean, 1 findings, 2 usage, 3 no input, 4 a tool is missing, 5 stale or different, 70 bug, 130 interrupted",
    )
    parser.add_argument("--version", action="version", version=f"inferspec {__version__}")
    _traceback(parser, False)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    _spec_commands(commands)
    _questions(commands)
    _models(commands)
    _preflight(commands)
    _others(commands)
    return parser


def _command(commands: Commands, name: str, module: str, summary: str, example: str, **more: object) -> argparse.ArgumentParser:
    found = commands.add_parser(name, help=summary, description=summary, epilog=f"example: {example}", **more)  # type: ignore[arg-type]
    found.set_defaults(module=module)
    _traceback(found, argparse.SUPPRESS)
    return found


def _traceback(parser: argparse.ArgumentParser, default: object) -> None:
    parser.add_argument("--traceback", action="store_true", default=default, help="show where a bug of the compiler is, for its report")


def _spec(parser: argparse.ArgumentParser, *, report: bool = True) -> None:
    told = "the spec, a path from DIR; specs/platform.yaml, or the only file of specs/, without it"
    parser.add_argument("-f", "--file", metavar="SPEC", help=told)
    parser.add_argument("-C", "--directory", metavar="DIR", default=".", help="the repository: specs/, overlays/ and clusters/ are in it")
    if report:
        parser.add_argument("--format", choices=FORMATS, default="text", help="form of the findings (text)")
        parser.add_argument("-o", "--output", metavar="PATH", help="write the findings to a file instead of standard output")
        parser.add_argument(
            "--fail-on", choices=("error", "warning", "info"), default="error", help="least severity that fails the run (error)"
        )
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colour of text (auto)")
    parser.add_argument("-q", "--quiet", action="store_true", help="nothing but findings")
    parser.add_argument("--no-progress", action="store_true", help="no progress on standard error")
    parser.add_argument("--jobs", type=_jobs, metavar="N", default=min(4, os.cpu_count() or 1), help="processes at once")
    parser.add_argument("--crds", action="append", default=[], metavar="DIR", help="CRDs of your own cluster; they win over the package's")


def _jobs(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 64:
        raise argparse.ArgumentTypeError("1 to 64")
    return number


def _spec_commands(commands: Commands) -> None:
    vet = _command(commands, "vet", "vet", "check the spec and the policies; write nothing", "inferspec vet -f specs/platform.yaml")
    _spec(vet)
    compiled = _command(
        commands, "compile", "compile", "check, then write overlays/ and clusters/", "inferspec compile --check", aliases=["build"]
    )
    _spec(compiled)
    compiled.add_argument(
        "--check",
        action="store_true",
        help="write nothing; exit 5 if the tree is not what the spec makes; stale files are listed on stderr in every --format",
    )
    compiled.add_argument(
        "--only", metavar="CLUSTER", action="append", default=[], help="show only what changes for these clusters; with --check"
    )
    compiled.add_argument("--force", action="store_true", help="overwrite files that were edited by hand")
    verify = _command(
        commands,
        "verify",
        "verify",
        "prove the tree: builds equal the plan, schemas and CEL hold, Config Sync accepts it",
        "inferspec verify --all",
    )
    _spec(verify)
    verify.add_argument("--all", action="store_true", help="build every cluster, not one of each structure")
    verify.add_argument("--no-cache", action="store_true", help="prove anew what was proven before")
    changed = _command(
        commands, "diff", "diff", "what changes in every cluster since a commit: objects, fields, Pods, chips", "inferspec diff main"
    )
    changed.add_argument("ref", metavar="REF", nargs="?", default="HEAD", help="commit, branch or tag to compare with (HEAD)")
    changed.add_argument("--only", metavar="CLUSTER", help="only what changes in this cluster")
    changed.add_argument("--format", choices=("text", "json", "markdown"), default="text", help="of a comment: markdown (text)")
    _spec(changed, report=False)
    fmt = _command(commands, "fmt", "fmt", "format specs, comments kept", "inferspec fmt --check specs/*.yaml")
    fmt.add_argument("files", nargs="+", metavar="FILE")
    fmt.add_argument("--check", action="store_true", help="change nothing; exit 5 if a file would change")


def _questions(commands: Commands) -> None:
    why = _command(
        commands,
        "why",
        "why",
        "why a field of an object is what it is",
        "inferspec why Deployment/chat spec.template.spec.containers[0].resources.requests.memory",
    )
    why.add_argument("object", metavar="KIND/NAME", help="Deployment/chat, or Deployment/NAMESPACE/chat")
    why.add_argument("field", metavar="FIELD", nargs="?", default="", help="path of the field; every field without it")
    why.add_argument("--cluster", metavar="NAME", help="in this cluster; the first that has the object without it")
    _spec(why, report=False)
    trace = _command(commands, "trace", "trace", "which fields a line of the spec made", "inferspec trace serving.chat.maxModelLen")
    trace.add_argument("path", metavar="SPEC.PATH")
    _spec(trace, report=False)
    fit = _command(commands, "fit", "fit", "the memory account of every server: weights, KV cache, headroom", "inferspec fit chat")
    fit.add_argument("service", metavar="SERVICE", nargs="?", help="only this service")
    fit.add_argument("--format", choices=("text", "json"), default="text", help="a table, or JSON in bytes and seconds (text)")
    _spec(fit, report=False)
    told = _command(
        commands, "report", "report", "of every service: capacity in order, chips, weights, time to serve, quota", "inferspec report chat"
    )
    told.add_argument("service", metavar="SERVICE", nargs="?", help="only this service")
    told.add_argument("--format", choices=("markdown", "json"), default="markdown", help="a page, or JSON in chips, bytes and seconds")
    _spec(told, report=False)
    drawn = _command(
        commands, "graph", "graph", "draw host, route, pool, service, class and reservation of every region", "inferspec graph --format svg"
    )
    drawn.add_argument("--region", metavar="NAME", help="only this region")
    drawn.add_argument("--service", metavar="NAME", help="only what this service is reached by and runs on")
    drawn.add_argument("--format", choices=("mermaid", "dot", "svg", "json"), default="mermaid", help="form of the graph (mermaid)")
    _spec(drawn, report=False)
    lock = _command(commands, "lock", "lock", "pin images by digest: ask their registries, write SPEC.lock.json", "inferspec lock --update")
    lock.add_argument("--update", action="store_true", help="ask anew for images that the lock has; a tag may stand for another image now")
    lock.add_argument("--check", action="store_true", help="write nothing; exit 5 if the lock would change")
    _spec(lock, report=False)
    quota = _command(
        commands, "quota", "quota", "the quota that the fleet needs, by project, region and metric", "inferspec quota --limits limits.json"
    )
    quota.add_argument("--service", metavar="NAME", help="only this service")
    quota.add_argument(
        "--limits", metavar="FILE", help="JSON of 'gcloud compute regions describe' or of the Cloud Quotas API; it wins over the spec's"
    )
    quota.add_argument("--format", choices=("text", "json"), default="text", help="a table, or JSON (text)")
    _spec(quota, report=False)
    explain = _command(commands, "explain", "explain", "a finding's code, or a key of the spec", "inferspec explain FIT001")
    explain.add_argument("subject", metavar="CODE|SPEC.PATH", nargs="?", help="FIT001, or serving.chat.scale; a list of all without it")
    explain.add_argument("-f", "--file", metavar="SPEC", help="the spec whose service is asked for; specs/platform.yaml, or the only one")
    explain.add_argument("-C", "--directory", metavar="DIR", default=".", help="the repository whose policies/ may define the code")


def _models(commands: Commands) -> None:
    """With ``preflight`` the commands that speak to a network: no other does."""
    models = commands.add_parser("models", help="publish a model into a bucket, and check it", description="publish a model into a bucket")
    models.set_defaults(module="models", parser=models)
    actions = models.add_subparsers(dest="action", metavar="ACTION", parser_class=_Parser)
    publish = _command(
        actions,
        "publish",
        "models",
        "bring a pinned version of a model into a bucket, whole or not at all; every option can be a variable of the environment",
        "inferspec models publish --source hf://acme/chat --revision dcc83ea841ab6100d6b47a070329e1ba4cf78752 --to gs://models/acme/chat/v1",
    )
    publish.add_argument(
        "--source", metavar="URL", help="hf://ORG/NAME, kaggle://OWNER/MODEL/FRAMEWORK/VARIATION/VERSION, https://… (MODEL_SOURCE)"
    )
    publish.add_argument("--revision", metavar="COMMIT", help="full commit of the source, 40 hexadecimal digits (MODEL_REVISION)")
    publish.add_argument("--to", metavar="gs://BUCKET/PREFIX", help="where it goes; the prefix in lower case (MODEL_TARGET)")
    publish.add_argument("--sha256", metavar="HEX", help="of what an https:// source has: a file or a tar archive (MODEL_SHA256)")
    publish.add_argument("--token-file", metavar="FILE", help="token of the hub, or kaggle.json (MODEL_TOKEN_FILE)")
    publish.add_argument("--include", metavar="GLOB", action="append", help="only these files; '*' crosses folders (MODEL_INCLUDE)")
    publish.add_argument("--exclude", metavar="GLOB", action="append", help="not these files (MODEL_EXCLUDE)")
    publish.add_argument("--all-formats", action="store_true", help="keep copies beside safetensors: original/, *.bin (MODEL_ALL_FORMATS)")
    publish.add_argument("--workers", metavar="N", type=int, help="files at once, 4 (MODEL_WORKERS)")
    publish.add_argument("--scratch", metavar="DIR", help="where files stand on their way, ./inferspec-models (MODEL_SCRATCH)")
    publish.add_argument("--scratch-gib", metavar="GIB", type=float, help="most that they take there; what is free (MODEL_SCRATCH_GIB)")
    publish.add_argument(
        "--chunk-mib", metavar="MIB", type=float, help="bytes a request carries, in memory once a worker, 32 (MODEL_CHUNK_MIB)"
    )
    publish.add_argument("-q", "--quiet", action="store_true", help="no progress, only the last line")
    verify = _command(
        actions,
        "verify",
        "models",
        "whether what stands under a prefix is complete",
        "inferspec models verify gs://acme-models-us/google/gemma",
    )
    verify.add_argument("target", metavar="gs://BUCKET/PREFIX", help="the prefix with the manifest")
    verify.add_argument("--revision", metavar="COMMIT", help="the revision it must be of")


def _preflight(commands: Commands) -> None:
    preflight = _command(
        commands,
        "preflight",
        "preflight",
        "whether buckets, models, secrets, reservations, disk images that the platform relies on are there; it reads, and changes nothing",
        "inferspec preflight --only usc1-prod",
    )
    preflight.add_argument("--only", metavar="CLUSTER", action="append", default=[], help="what these clusters rely on")
    preflight.add_argument("--list", action="store_true", help="offline: list what has to exist before pods start, by cluster")
    preflight.add_argument("--format", choices=("text", "json"), default="text", help="a table with the findings, or JSON (text)")
    _spec(preflight, report=False)


def _others(commands: Commands) -> None:
    init = _command(commands, "init", "init", "start a repository: a spec, CI and a pre-commit hook", "inferspec init my-platform")
    init.add_argument("directory", metavar="DIR", nargs="?", default=".")
    init.add_argument("--name", help="name of the platform; the directory's without it")
    policy = commands.add_parser("policy", help="work with policy rules", description="work with policy rules")
    policy.set_defaults(module="policy", parser=policy)
    actions = policy.add_subparsers(dest="action", metavar="ACTION", parser_class=_Parser)
    test = _command(actions, "test", "policy", "run the rules of policies/ against their fixtures", "inferspec policy test")
    test.add_argument("policies", metavar="DIR", nargs="?", default="policies")
    test.add_argument("-C", "--directory", metavar="DIR", default=".", help="the repository that the policies are in")
    _command(commands, "schema", "schema", "print the JSON Schema of the spec", "inferspec schema > specs/platform.schema.json")
    doctor = _command(commands, "doctor", "doctor", "check the tools and the installation", "inferspec doctor")
    doctor.add_argument("-C", "--directory", metavar="DIR", default=".", help="the repository to look at")
    _command(commands, "version", "version", "print the versions of inferspec and of its tools", "inferspec version")
    completion = _command(
        commands, "completion", "completion", "print a completion script", "inferspec completion bash > ~/.inferspec-completion"
    )
    completion.add_argument("shell", choices=("bash", "zsh", "tcsh"))
