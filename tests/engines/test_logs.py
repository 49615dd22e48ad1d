"""The settings of a log as they are emitted, read by the real vLLM: every line is JSON with its severity."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from inferspec.catalog import catalogue

from tests.engines import judge

WRITES = """
import argparse, logging, logging.config
from vllm.entrypoints.launchers.utils.server_utils import get_uvicorn_log_config
from vllm.logger import configure_logging_from_args, init_logger
arguments = argparse.Namespace()
configure_logging_from_args(arguments)
init_logger("vllm.engine").warning("of the engine: %s\\nand its next line", 1)
logging.config.dictConfig(get_uvicorn_log_config(arguments))
logging.getLogger("uvicorn.access").info('%s - "%s"', "127.0.0.1:1", "GET /v1/models")
logging.getLogger("library").error("of a library")
"""


def test_lines_of_vllm_its_http_server_and_libraries_are_json(tmp_path: Path) -> None:
    told = catalogue().engine("vllm").json_logs
    assert told is not None
    (variable,) = told.env
    (tmp_path / "logging.json").write_text(told.document, encoding="utf-8")
    environment = {**os.environ, **judge.ENVIRONMENT, variable: str(tmp_path / "logging.json")}
    said = subprocess.run([sys.executable, "-c", WRITES], env=environment, capture_output=True, text=True, cwd=tmp_path, check=True)
    lines = [json.loads(line) for line in said.stdout.splitlines()]
    found = {line["name"]: (line["severity"], line["message"]) for line in lines}
    assert found["vllm.engine"] == ("WARNING", "of the engine: 1\nand its next line")
    assert found["uvicorn.access"] == ("INFO", '127.0.0.1:1 - "GET /v1/models"')
    assert found["library"] == ("ERROR", "of a library")
