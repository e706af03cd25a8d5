"""Says what settings must be, each by itself and all together."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

if TYPE_CHECKING:
    from core.config import Settings

# AES-256.
KEY_BYTES = 32
LAST_PORT = 65_535
# What a worker uses before its first job is well below this.
SMALLEST_WORKER_MIB = 256
HOST = re.compile(r"[A-Za-z0-9_.-]+|\[?[0-9A-Fa-f:.]+\]?")


def decode_key(text: str) -> bytes:
    """Returns the 32 bytes of a base64 key; raises ValueError for anything else."""
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error as fault:
        message = "must be base64"
        raise ValueError(message) from fault
    if len(key) != KEY_BYTES:
        message = f"must be {KEY_BYTES} bytes in base64, not {len(key)}"
        raise ValueError(message)
    return key


def is_loopback(address: str) -> bool:
    """Tells whether `host:port` can only be reached from this machine."""
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def address(value: str) -> str:
    """Returns `host:port` as it is; raises ValueError for anything else."""
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or int(port) > LAST_PORT:
        raise ValueError("must be host:port, such as 127.0.0.1:50051")
    return value


def host(value: str) -> str:
    """Returns the name or address of a host in lower case; raises ValueError for anything else."""
    if not HOST.fullmatch(value):
        raise ValueError(f"is no name or address of a host, without scheme and port: {value!r}")
    return value.lower().strip("[]")


def file(value: Path) -> Path:
    """Returns the path of a file as it is; raises ValueError where there is none."""
    if not value.is_file():
        raise ValueError(f"is no file: {value}")
    return value


def faults_together(settings: Settings) -> list[str]:
    """Returns a sentence for each thing that does not fit together."""
    urls = (settings.database_url, settings.system_database_url, settings.redis_url)
    certificate, key = settings.grpc_tls_certificate_file, settings.grpc_tls_key_file
    checks = [
        (
            settings.job_heartbeat_seconds * 3 > settings.job_lease_seconds,
            "HOWDAH_JOB_HEARTBEAT_SECONDS must be at most a third of HOWDAH_JOB_LEASE_SECONDS",
        ),
        (
            0 < settings.worker_memory_limit_mib < SMALLEST_WORKER_MIB,
            f"HOWDAH_WORKER_MEMORY_LIMIT_MIB must be 0 or at least {SMALLEST_WORKER_MIB}",
        ),
        (
            any(urls) and not all(urls),
            "HOWDAH_DATABASE_URL, HOWDAH_SYSTEM_DATABASE_URL and HOWDAH_REDIS_URL go together",
        ),
        (
            all(urls) and settings.secrets_key is None,
            "HOWDAH_SECRETS_KEY is required with real servers: `openssl rand -base64 32`",
        ),
        (
            bool(certificate) != bool(key),
            "HOWDAH_GRPC_TLS_CERTIFICATE_FILE and HOWDAH_GRPC_TLS_KEY_FILE are set together",
        ),
        (
            settings.grpc_tls_client_ca_file is not None and certificate is None,
            "HOWDAH_GRPC_TLS_CLIENT_CA_FILE needs HOWDAH_GRPC_TLS_CERTIFICATE_FILE",
        ),
    ]
    return [fault for applies, fault in checks if applies]


def in_words(error: ValidationError) -> list[str]:
    """Returns a sentence for each fault, with the variable that it is about."""
    found = []
    for item in error.errors(include_input=False, include_url=False):
        place = ".".join(str(part) for part in item["loc"])
        text = item["msg"].removeprefix("Value error, ")
        found += [f"HOWDAH_{place.upper()}: {text}"] if place else text.split("\n")
    return found
