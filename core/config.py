"""Reads the settings once from the environment, and reports all their faults together."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from core import config_rules

SECRETS = (
    "database_url",
    "system_database_url",
    "migrator_database_url",
    "redis_url",
    "secrets_key",
)


class ConfigError(Exception):
    """Names every setting that is wrong, one a line."""


class Settings(BaseModel):
    """Holds every setting of the node; each is read from `HOWDAH_<NAME>`.

    A secret may also come from a file named by `HOWDAH_<NAME>_FILE`. Units are in the names.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Where things are. Without the three URLs, `howdah up` starts its own Postgres and Redis.
    data_dir: Path = Path("var")
    database_url: SecretStr | None = None
    system_database_url: SecretStr | None = None
    migrator_database_url: SecretStr | None = None
    redis_url: SecretStr | None = None
    secrets_key: SecretStr | None = None

    # The callers' door.
    audience: str = Field("howdah", pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    grpc_address: str = "127.0.0.1:50051"
    grpc_unix_socket: Path | None = None
    grpc_tls_certificate_file: Path | None = None
    grpc_tls_key_file: Path | None = None
    grpc_tls_client_ca_file: Path | None = None
    grpc_reflection: bool | None = None
    admin_address: str = "127.0.0.1:9464"
    server_processes: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, le=256)
    server_threads: int = Field(8, ge=1, le=256)
    server_stream_threads: int = Field(64, ge=1, le=4096)
    server_pin_cpus: bool = True
    max_waiting_calls: int = Field(256, ge=1, le=100_000)
    max_streams_per_tenant: int = Field(32, ge=1, le=4096)
    max_message_bytes: int = Field(4 * 1024 * 1024, ge=64 * 1024, le=64 * 1024 * 1024)
    max_metadata_bytes: int = Field(16 * 1024, ge=4 * 1024, le=64 * 1024)
    max_connection_age_seconds: int = Field(300, ge=1)
    # After that age a connection takes no new calls; its streams go on for so long.
    max_connection_grace_seconds: int = Field(3_600, ge=1)
    drain_wait_seconds: float = Field(1.0, ge=0, le=60)
    drain_grace_seconds: float = Field(20.0, ge=0, le=300)

    # Who is calling.
    clock_skew_seconds: int = Field(60, ge=1, le=300)
    nonce_window_per_process: int = Field(100_000, ge=1_000, le=10_000_000)
    credential_cache_seconds: float = Field(3.0, gt=0, le=5)
    token_lifetime_seconds: int = Field(900, ge=10, le=3600)
    rate_limit_calls_per_second: int = Field(1_000, ge=1)
    rate_limit_burst_calls: int = Field(2_000, ge=1)
    idempotency_retention_hours: int = Field(24, ge=24, le=24 * 90)

    # Postgres and Redis.
    database_pool_size: int = Field(10, ge=1, le=500)
    database_connect_timeout_seconds: int = Field(3, ge=1, le=60)
    redis_timeout_seconds: float = Field(1.0, gt=0, le=60)

    # Jobs.
    worker_processes: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, le=256)
    worker_threads: int = Field(8, ge=1, le=64)
    worker_poll_milliseconds: int = Field(1_000, ge=5, le=1_000)
    worker_drain_seconds: float = Field(30.0, ge=1, le=300)
    worker_hung_seconds: float = Field(30.0, ge=1, le=600)
    # 0 for no limit.
    worker_memory_limit_mib: int = Field(1024, ge=0)
    job_stop_grace_seconds: float = Field(10.0, ge=0.1, le=300)
    job_lease_seconds: int = Field(45, ge=2, le=3600)
    job_heartbeat_seconds: float = Field(10.0, ge=0.2, le=600)
    job_unclaimed_seconds: float = Field(15.0, ge=1, le=600)
    job_rescue_interval_seconds: float = Field(5.0, ge=0.1, le=60)
    job_dispatch_interval_seconds: float = Field(2.0, ge=0.05, le=60)
    job_dispatch_batch: int = Field(64, ge=1, le=10_000)
    job_retention_days: int = Field(30, ge=1, le=3650)
    # What succeeded is looked at less often, and there is the most of it.
    succeeded_job_retention_days: int = Field(7, ge=1, le=3650)
    max_waiting_jobs_per_tenant: int = Field(20_000, ge=1)
    max_jobs_per_batch: int = Field(5_000, ge=1, le=100_000)
    max_jobs_per_chain: int = Field(100, ge=1, le=1_000)
    max_job_payload_bytes: int = Field(64 * 1024, ge=1024, le=16 * 1024 * 1024)
    max_schedules_per_tenant: int = Field(500, ge=1)

    # Webhooks. Deliveries have workers of their own, which mostly wait.
    webhook_worker_processes: int = Field(1, ge=0, le=64)
    webhook_worker_threads: int = Field(16, ge=1, le=256)
    webhook_timeout_seconds: float = Field(15.0, ge=1, le=60)
    webhook_disable_after_hours: int = Field(120, ge=1, le=24 * 90)
    webhook_retention_days: int = Field(30, ge=7, le=3650)
    max_webhook_endpoints_per_tenant: int = Field(20, ge=1, le=1_000)
    # Names or addresses, comma-separated, that may be private and need no TLS.
    webhook_allowed_hosts: tuple[str, ...] = ()

    # Files.
    file_lifetime_hours: int = Field(72, ge=1, le=24 * 365)
    max_file_bytes: int = Field(1024**3, ge=1024)

    # What is seen from outside.
    log_format: Literal["auto", "json", "console"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    tracing: bool = False
    trace_sample_ratio: float = Field(0.1, ge=0, le=1)
    otlp_endpoint: str | None = None

    # Names of the queues a worker listens on, comma-separated.
    worker_queues: tuple[str, ...] = ("default", "bulk")

    @field_validator("worker_queues", "webhook_allowed_hosts", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @field_validator("webhook_allowed_hosts")
    @classmethod
    def _are_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(config_rules.host(name) for name in value)

    @field_validator("secrets_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            config_rules.decode_key(value.get_secret_value())
        return value

    @field_validator("grpc_address", "admin_address")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        return config_rules.address(value)

    @field_validator("grpc_tls_certificate_file", "grpc_tls_key_file", "grpc_tls_client_ca_file")
    @classmethod
    def _is_a_file(cls, value: Path | None) -> Path | None:
        return None if value is None else config_rules.file(value)

    @model_validator(mode="after")
    def _fits_together(self) -> Settings:
        if faults := config_rules.faults_together(self):
            raise ValueError("\n".join(faults))
        return self

    @property
    def embedded(self) -> bool:
        """Tells whether the node brings its own Postgres and Redis."""
        return self.database_url is None

    @property
    def reflection(self) -> bool:
        """Tells whether reflection is served: by default only where nobody else can reach it."""
        if self.grpc_reflection is not None:
            return self.grpc_reflection
        return config_rules.is_loopback(self.grpc_address)

    def limits(self) -> dict[str, int]:
        """Returns the limits a caller may want to know, by setting name."""
        return {
            "max_message_bytes": self.max_message_bytes,
            "max_metadata_bytes": self.max_metadata_bytes,
            "max_file_bytes": self.max_file_bytes,
            "max_waiting_jobs_per_tenant": self.max_waiting_jobs_per_tenant,
            "max_jobs_per_batch": self.max_jobs_per_batch,
            "max_jobs_per_chain": self.max_jobs_per_chain,
            "max_job_payload_bytes": self.max_job_payload_bytes,
            "max_schedules_per_tenant": self.max_schedules_per_tenant,
            "max_webhook_endpoints_per_tenant": self.max_webhook_endpoints_per_tenant,
            "max_streams_per_tenant": self.max_streams_per_tenant,
            "rate_limit_calls_per_second": self.rate_limit_calls_per_second,
            "rate_limit_burst_calls": self.rate_limit_burst_calls,
            "clock_skew_seconds": self.clock_skew_seconds,
            "file_lifetime_hours": self.file_lifetime_hours,
            "idempotency_retention_hours": self.idempotency_retention_hours,
        }


def load_settings(environment: dict[str, str] | None = None, **overrides: Any) -> Settings:
    """Reads the settings; raises ConfigError that names every fault at once."""
    env = dict(os.environ if environment is None else environment)
    values: dict[str, Any] = {}
    faults: list[str] = []
    for name in Settings.model_fields:
        key = f"HOWDAH_{name.upper()}"
        if env.get(key):
            values[name] = env[key]
        elif name in SECRETS and (path := env.get(f"{key}_FILE")):
            try:
                values[name] = Path(path).read_text("utf-8").strip()
            except OSError as fault:
                faults.append(f"{key}_FILE: {fault.strerror}: {path}")
    known = {f"HOWDAH_{n.upper()}" for n in Settings.model_fields}
    known |= {f"HOWDAH_{n.upper()}_FILE" for n in SECRETS}
    known |= CLIENT_VARIABLES | {PROCESS_INDEX, LIFE_LINE}
    faults += [
        f"{key}: there is no such setting"
        for key in sorted(env)
        if key.startswith("HOWDAH_") and key not in known
    ]
    try:
        settings = Settings.model_validate({**values, **overrides})
    except ValidationError as error:
        faults += config_rules.in_words(error)
        # What is right by itself may still not fit together; that is said in the same breath.
        wrong = {str(item["loc"][0]) for item in error.errors() if item["loc"]}
        rest = {name: value for name, value in {**values, **overrides}.items() if name not in wrong}
        try:
            Settings.model_validate(rest)
        except ValidationError as another:
            faults += [fault for fault in config_rules.in_words(another) if fault not in faults]
        raise ConfigError("\n".join(faults)) from None
    if faults:
        raise ConfigError("\n".join(faults))
    return settings


# Set by the supervisor: which of the node's processes of its sort this is, from 0.
PROCESS_INDEX = "HOWDAH_PROCESS_INDEX"
# As well: the pipe on which this process shows that it lives (core/platform/life_line.py).
LIFE_LINE = "HOWDAH_LIFE_LINE"

# Read by the clients and the examples, not by the node.
CLIENT_VARIABLES = frozenset(
    {"HOWDAH_ADDRESS", "HOWDAH_KEY_ID", "HOWDAH_SECRET", "HOWDAH_TENANT", "HOWDAH_TOKEN"}
)
