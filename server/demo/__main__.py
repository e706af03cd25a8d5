"""Runs the demonstration: `python -m server.demo STARTED [stay]`, as `howdah up --demo` does."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import grpc

from core.bootstrap import open_node
from core.config import Settings, load_settings
from howdah.analytics.v1 import analytics_pb2
from howdah.analytics.v1.analytics_pb2_grpc import AnalyticsServiceStub
from howdah.node.v1 import node_pb2
from howdah.node.v1.node_pb2_grpc import NodeServiceStub
from howdah_client import Credential, HowdahError, SignedChannel, connect
from server.demo import work
from server.demo.callers import TENANTS, DemoTenant, credential_for, make_tenant
from server.demo.imports import import_samples
from server.demo.paste import show_lines, show_php, variables
from server.demo.screen import Screen, StepFailedError, draw
from server.operator import operator_key

TREE = Path(__file__).resolve().parents[2]
NODE_START_SECONDS = 60.0
# Says that the node goes on after the demonstration.
STAY = "stay"
SECONDS = 10.0


def main(arguments: list[str]) -> int:
    """Shows every step; returns 0 only where each of them worked."""
    started = float(arguments[0]) if arguments else time.monotonic()
    # A stop in the middle unwinds, so that a progress bar gives the terminal its cursor back.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    screen, settings = Screen(), load_settings()
    try:
        show(screen, settings, started)
        if STAY in arguments:
            screen.console.print("The node keeps serving. Ctrl-C stops it.")
    except HowdahError as error:
        screen.console.print(f"[red]✗ {error}[/red]")
        if error.correlation_id:
            screen.say(f"correlation id {error.correlation_id}")
        return 1
    except StepFailedError as fault:
        screen.console.print(f"[red]✗ {fault}[/red]")
        return 1
    return 0


def show(screen: Screen, settings: Settings, started: float) -> None:
    """Goes through the steps in order."""
    with open_node(settings) as node:
        operator = channel_of(settings, Credential(*operator_key(node)))
    with operator:
        await_node(operator)
        screen.console.print(
            f"[bold]The first RPC was answered {time.monotonic() - started:.1f} s"
            " after the start.[/bold]"
        )
        with screen.step("1  Two tenants and their credentials"):
            channels, keys = callers(screen, settings, operator)
        with screen.step("2  Two real data sets: uploaded in pieces, imported by the workers"):
            import_samples(screen, channels, TREE / "samples")
        with screen.step("3  Key figures of both tenants, and no way from one to the other"):
            show_kpis(screen, channels)
            show_wall(screen, channels)
        with screen.step("4  A sales workbook of 50 tabs, made by a worker"):
            show_workbook(screen, settings, channels)
        values = {
            tenant: variables(settings.grpc_address, tenant.tenant_id, key)
            for tenant, key in zip(TENANTS, keys, strict=True)
        }
        with screen.step("5  The third step again, from PHP"):
            show_php(screen, TREE, values)
        with screen.step("6  Lines to paste"):
            show_lines(screen, TREE, values[TENANTS[0]], settings.data_dir)
    total = sum(seconds for _, seconds in screen.durations)
    each = ", ".join(f"{name[0]}: {seconds:.1f} s" for name, seconds in screen.durations)
    screen.console.print(
        f"\n[bold green]Every step worked[/bold green], in {total:.1f} s ({each}).", soft_wrap=True
    )


def channel_of(settings: Settings, credential: Credential, tenant: str = "") -> SignedChannel:
    """Returns a signed channel to the node."""
    return connect(settings.grpc_address, credential, tenant=tenant, audience=settings.audience)


def await_node(operator: SignedChannel) -> None:
    """Waits until the node answers its first call."""
    give_up = time.monotonic() + NODE_START_SECONDS
    while True:
        try:
            NodeServiceStub(operator).DescribeNode(node_pb2.DescribeNodeRequest(), timeout=2)
        except HowdahError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE or time.monotonic() > give_up:
                raise
        else:
            return


def callers(
    screen: Screen, settings: Settings, operator: SignedChannel
) -> tuple[dict[DemoTenant, SignedChannel], list[Credential]]:
    """Returns a channel for each tenant, signed by the tenant's own credential."""
    channels, keys = {}, []
    for tenant in TENANTS:
        new = make_tenant(operator, tenant)
        file = settings.data_dir / "demo" / f"{tenant.tenant_id}.key.json"
        credential, fresh = credential_for(operator, tenant.tenant_id, file)
        screen.say(
            f"{tenant.tenant_id:<7} {'created' if new else 'was there'}, credential"
            f" {credential.key_id} {'created' if fresh else 'was there'}"
        )
        channels[tenant] = channel_of(settings, credential, tenant.tenant_id)
        keys.append(credential)
    return channels, keys


def show_kpis(screen: Screen, channels: dict[DemoTenant, SignedChannel]) -> None:
    """Prints the key figures of both tenants side by side."""
    figures = {tenant: kpis_of(channel, tenant) for tenant, channel in channels.items()}
    rows: list[tuple[str, ...]] = [
        (name, *(money(getattr(k, field), k.currency) for k in figures.values()))
        for name, field in (
            ("gross revenue", "gross_revenue_minor"),
            ("refunds", "refunds_minor"),
            ("net revenue", "net_revenue_minor"),
            ("average order", "average_order_value_minor"),
        )
    ]
    rows += [
        (name, *(f"{getattr(k, field):,}" for k in figures.values()))
        for name, field in (("orders", "orders"), ("units", "units"), ("customers", "customers"))
    ]
    rows.append(("repeat rate", *(f"{k.repeat_rate:.1%}" for k in figures.values())))
    rows.append(("top product", *(k.top_products[0].key for k in figures.values())))
    period = [f"{t.tenant_id} {t.start_date} to {t.end_date}" for t in figures]
    screen.table(("", *period), rows)


def kpis_of(channel: SignedChannel, tenant: DemoTenant) -> analytics_pb2.Kpis:
    """Returns the key figures of the tenant's whole data set."""
    request = analytics_pb2.ComputeKpisRequest(
        start_date=tenant.start_date, end_date=tenant.end_date, top_limit=1
    )
    kpis = AnalyticsServiceStub(channel).ComputeKpis(request, timeout=SECONDS).kpis
    if not kpis.orders:
        raise StepFailedError(f"{tenant.tenant_id} has no sales.")
    return kpis


def money(minor: int, currency: str) -> str:
    """Returns an amount in words; both currencies have two decimals."""
    return f"{minor / 100:,.2f} {currency}"


def show_wall(screen: Screen, channels: dict[DemoTenant, SignedChannel]) -> None:
    """Asks for one tenant's figures with the other's key, which must be refused."""
    acme, globex = TENANTS
    try:
        kpis_of(channels[acme].for_tenant(globex.tenant_id), globex)
    except HowdahError as error:
        if error.code() is not grpc.StatusCode.PERMISSION_DENIED:
            raise
        screen.say(f"{acme.tenant_id}'s key asks for {globex.tenant_id}: {error}")
        return
    raise StepFailedError(f"{acme.tenant_id}'s key got {globex.tenant_id}'s figures.")


def show_workbook(
    screen: Screen, settings: Settings, channels: dict[DemoTenant, SignedChannel]
) -> None:
    """Has the workbook made, and downloads it."""
    tenant = TENANTS[0]
    channel = channels[tenant]
    with screen.bars() as bars:
        task = bars.add_task("workbook", total=None, where="waiting")
        job = work.start_workbook(channel, tenant)
        job = work.follow(channel, job, lambda change: draw(bars, task, change))
    path, size, sha256 = work.download(channel, job.file_id, settings.data_dir / "demo")
    screen.say(f"{path}  {size:,} bytes")
    screen.say(f"SHA-256 {sha256}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
