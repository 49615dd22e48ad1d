"""Every command explains itself, with an example that the parser takes."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator

import pytest
from inferspec import __version__
from inferspec.cli import main
from inferspec.cli.parser import build


def commands(parser: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command that does something, with its parser."""
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield name.strip(), parser
    for group in groups:
        for word, inner in group.choices.items():
            yield from commands(inner, f"{name} {word}")


COMMANDS = dict(commands(build()))


def test_the_design_s_commands_are_there() -> None:
    assert {
        "init",
        "vet",
        "fmt",
        "compile",
        "build",
        "verify",
        "why",
        "trace",
        "explain",
        "policy test",
        "schema",
        "doctor",
        "version",
    } <= COMMANDS.keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_a_summary_an_example_and_every_option_explained(command: str) -> None:
    parser = COMMANDS[command]
    assert parser.description and parser.epilog and parser.epilog.startswith("example: inferspec ")
    assert parser.epilog in " ".join(parser.format_help().split())
    for action in parser._actions:
        assert action.help or action.metavar or action.choices, f"{command}: {action.dest} says nothing"
        if action.option_strings:
            assert action.help, f"{command} {action.option_strings[0]} has no help"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_example_parses_and_is_of_that_command(command: str) -> None:
    example = str(COMMANDS[command].epilog).removeprefix("example: inferspec ").partition(" > ")[0]
    words = shlex.split(example)
    options = build().parse_args(words)
    assert options.module == COMMANDS[command].get_default("module")


@pytest.mark.parametrize("arguments", [["--help"], *([*name.split(), "--help"] for name in COMMANDS)], ids=" ".join)
def test_help_is_clean_and_costs_nothing(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    told = capsys.readouterr()
    assert told.out.startswith("usage: inferspec") and told.err == ""


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"inferspec {__version__}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_knows_the_commands(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(name.split()[0] in script for name in COMMANDS)
