"""vLLM's own word on a command line: its parser, its check of the parsed arguments, its engine configuration."""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

ENVIRONMENT = {
    "VLLM_TARGET_DEVICE": "cpu",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "VLLM_CACHE_ROOT": str(Path(sys.prefix) / "vllm-cache"),
}
"""Set before vllm is imported: without the first its parser cannot be built on a machine without GPU."""


class RefusedError(Exception):
    """vLLM refuses; ``stage`` is parser, engine or start. Whatever exception it says so by, a server would end with it."""

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(f"{stage}: {reason}")
        self.stage, self.reason = stage, reason


@cache
def parser() -> argparse.ArgumentParser:
    from vllm.entrypoints.launchers.cli_args import make_arg_parser
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    made: argparse.ArgumentParser = make_arg_parser(FlexibleArgumentParser(prog="vllm serve"))
    return made


def version() -> str:
    import vllm

    return str(vllm.__version__)


def words(*arguments: str) -> argparse.Namespace:
    """What the parser alone makes of arguments. Raises RefusedError with its last line.

    A copy: the engine's configuration writes into the defaults, which the parser gives to every namespace.
    """
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return copy.deepcopy(parser().parse_args(list(arguments)))
    except SystemExit as end:
        raise RefusedError("parser", (said.getvalue().strip().splitlines() or [f"exit status {end.code}"])[-1]) from end
    except KeyError as end:  # a word that no enumeration of a configuration class has
        raise RefusedError("parser", f"no such word: {end}") from end


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The namespace of a command line that vLLM finds sound. Raises RefusedError."""
    from vllm.entrypoints.launchers.cli_args import validate_parsed_serve_args

    found = words(*arguments)
    try:
        validate_parsed_serve_args(found)
    except Exception as refusal:
        raise RefusedError("parser", str(refusal)) from refusal
    return found


def configured(arguments: Sequence[str], model: Path | None = None) -> Any:
    """vLLM's configuration for a command line; ``model`` is a folder with a config.json, if --model names none. Raises RefusedError.

    Tensor, pipeline and data parallelism over more devices than the machine has pass: the processes are counted when they start.
    What looks at the device is not judged here, because the device is a CPU.
    """
    from vllm.engine.arg_utils import AsyncEngineArgs

    whole = [*arguments, *([f"--model={model}"] if model else [])]
    folder = model or Path(next(argument.removeprefix("--model=") for argument in arguments if argument.startswith("--model=")))
    without = [] if (folder / "tokenizer.json").is_file() else ["--skip-tokenizer-init"]
    space = parsed([*whole, *without])
    try:
        return AsyncEngineArgs.from_cli_args(space).create_engine_config()
    except Exception as refusal:
        raise RefusedError("engine", str(refusal)) from refusal


def started(arguments: Sequence[str], model: Path) -> None:
    """What the server checks after its configuration, without a start: names of parsers and of the way to load. Raises RefusedError."""
    from vllm.entrypoints.launchers.launcher import validate_api_server_args
    from vllm.model_executor.model_loader import get_model_loader

    made = configured(arguments, model)
    space = parsed([*arguments, f"--model={model}"])
    try:
        if not space.tool_parser_plugin:  # a plugin is imported first, and there is none here
            validate_api_server_args(space)
        get_model_loader(made.load_config)
    except Exception as refusal:
        raise RefusedError("start", str(refusal)) from refusal


def unknown_names(arguments: Sequence[str]) -> list[str]:
    """Names that are not exactly a flag's: the parser takes abbreviations and so would hide them."""
    known = parser()._option_string_actions
    return [name for name in (a.partition("=")[0] for a in arguments if a.startswith("-")) if name not in known]
