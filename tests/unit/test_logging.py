from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import SecretStr

from core.config import Settings, load_settings
from core.platform import log_lines
from core.platform.log_lines import LineWriter
from core.platform.logging import configure_logging


@dataclass
class Log:
    path: Path
    writer: LineWriter

    def lines(self) -> list[dict[str, Any]]:
        self.writer.flush()
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    def text(self) -> str:
        self.writer.flush()
        return self.path.read_text()


def settings(**values: str) -> Settings:
    return load_settings({f"HOWDAH_{name.upper()}": value for name, value in values.items()})


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[int]:
    number = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    yield number
    os.close(number)


@pytest.fixture
def log(tmp_path: Path, descriptor: int) -> Iterator[Log]:
    with restored():
        writer = configure_logging(settings(log_format="json"), "server-0", descriptor=descriptor)
        yield Log(tmp_path / "log", writer)
        writer.close()


class restored:  # noqa: N801
    """Gives pytest its own logging and hooks back."""

    def __enter__(self) -> None:
        self.root = logging.getLogger().handlers[:], logging.getLogger().level
        self.hooks = sys.excepthook, threading.excepthook

    def __exit__(self, *_: object) -> None:
        logging.captureWarnings(capture=False)
        logging.getLogger().handlers[:], level = self.root
        logging.getLogger().setLevel(level)
        sys.excepthook, threading.excepthook = self.hooks
        structlog.contextvars.clear_contextvars()
        structlog.reset_defaults()


def test_a_line_says_when_where_and_what_with_what_the_context_binds(log: Log) -> None:
    structlog.contextvars.bind_contextvars(tenant="acme", correlation_id="c-1")
    structlog.get_logger().info("call", code="OK", seconds=0.25)
    (line,) = log.lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "call",
        "level": "info",
        "process": "server-0",
        "tenant": "acme",
        "correlation_id": "c-1",
        "code": "OK",
        "seconds": 0.25,
    }


def test_an_ordinary_line_waits_for_its_batch_and_a_warning_does_not(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = []
    write = os.write

    def counted(number: int, data: bytes) -> int:
        writes.append(len(data))
        return write(number, data)

    monkeypatch.setattr(os, "write", counted)
    with log.writer._writing:  # the timer thread has to wait as well
        for number in range(100):
            structlog.get_logger().info("call", number=number)
        assert log.path.read_bytes() == b""
    structlog.get_logger().warning("slow")
    assert len(log.path.read_bytes().splitlines()) == 101
    assert len(writes) <= 2


def test_ordinary_lines_are_written_by_the_timer(log: Log) -> None:
    structlog.get_logger().info("call")
    give_up = time.monotonic() + 5
    while not log.path.read_bytes():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def test_a_reader_that_is_too_slow_costs_lines_and_not_memory(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_lines, "LONGEST_BACKLOG_LINES", 10)
    with log.writer._writing:
        for number in range(15):
            structlog.get_logger().info("call", number=number)
    lines = log.lines()
    assert len(lines) == 11
    assert lines[-1] == {"event": "log_lines_dropped", "lines": 5}


SECRETS = (
    {"secret": "s3cr3t"},
    {"secrets_key": "s3cr3t"},
    {"x-internal-signature": "s3cr3t"},
    {"Authorization": "s3cr3t"},
    {"refresh_token": "s3cr3t"},
    {"headers": {"cookie": "s3cr3t", "deeper": [{"password": "s3cr3t"}]}},
    {"value": SecretStr("s3cr3t")},
    {"url": "postgresql://app:s3cr3t@db.internal/howdah"},
    {"url": "redis://:s3cr3t@cache:6379/0"},
    {"header": "Bearer s3cr3t"},
    {"header": "eyJhbGciOiJFZERTQSJ9.s3cr3t.s3cr3t"},
)


@pytest.mark.parametrize("values", SECRETS)
def test_no_secret_reaches_a_line(log: Log, values: dict[str, Any]) -> None:
    structlog.get_logger().info("call", **values)
    assert "s3cr3t" not in log.text()
    assert "call" in log.text()


def test_a_signature_is_hidden_where_it_is_only_a_value(log: Log) -> None:
    structlog.get_logger().info("call", text="sent v1=" + "0" * 64)
    assert "0" * 64 not in log.text()


def test_a_secret_in_an_exception_is_hidden(log: Log) -> None:
    fault = RuntimeError("cannot reach postgresql://app:s3cr3t@db/howdah")
    structlog.get_logger().exception("failed", exc_info=fault)
    (line,) = log.lines()
    assert line["level"] == "error"
    assert "RuntimeError: cannot reach postgresql://app:[hidden]@db/howdah" in line["exception"]


def test_what_only_resembles_a_secret_stays_readable(log: Log) -> None:
    structlog.get_logger().info(
        "call", key_id="k-1", page_token="p", sha256="0" * 64, address="a@b.example"
    )
    (line,) = log.lines()
    assert line["key_id"] == "k-1"
    assert line["page_token"] == "p"
    assert line["sha256"] == "0" * 64
    assert line["address"] == "a@b.example"


def test_the_standard_librarys_lines_look_the_same(log: Log) -> None:
    structlog.contextvars.bind_contextvars(tenant="acme")
    logging.getLogger("dramatiq.worker").warning("lost %s", "redis://:s3cr3t@cache")
    logging.getLogger("alembic").info("not worth a line")
    (line,) = log.lines()
    assert line["event"] == "lost redis://:[hidden]@cache"
    assert (line["logger"], line["level"], line["tenant"]) == ("dramatiq.worker", "warning", "acme")


def test_an_uncaught_exception_of_a_thread_is_a_line(log: Log) -> None:
    thread = threading.Thread(target=lambda: 1 / 0, name="reader")
    thread.start()
    thread.join()
    (line,) = log.lines()
    assert (line["event"], line["thread"]) == ("uncaught_exception", "reader")
    assert "ZeroDivisionError" in line["exception"]


def test_a_console_gets_colours(tmp_path: Path, descriptor: int) -> None:
    with restored():
        writer = configure_logging(
            settings(log_format="console"), "server-0", descriptor=descriptor
        )
        structlog.get_logger().info("call", url="redis://:s3cr3t@cache")
        writer.close()
    text = (tmp_path / "log").read_text()
    assert "\x1b[" in text
    assert "s3cr3t" not in text


def test_a_console_shows_no_value_of_a_broken_functions_variables(
    tmp_path: Path, descriptor: int
) -> None:
    def sign(key: bytes) -> None:
        raise RuntimeError("broken", len(key))

    with restored():
        writer = configure_logging(
            settings(log_format="console"), "server-0", descriptor=descriptor
        )
        try:
            sign(b"cu5t" + b"0mer")
        except RuntimeError:
            structlog.get_logger().exception("failed")
        writer.close()
    text = (tmp_path / "log").read_text()
    assert "RuntimeError: ('broken', 8)" in text
    assert "cu5t0mer" not in text


def test_the_level_is_the_settings(tmp_path: Path, descriptor: int) -> None:
    with restored():
        writer = configure_logging(
            settings(log_format="json", log_level="warning"), "server-0", descriptor=descriptor
        )
        structlog.get_logger().info("call")
        structlog.get_logger().error("broken")
        writer.close()
    assert len((tmp_path / "log").read_text().splitlines()) == 1
