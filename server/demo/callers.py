"""Makes the tenants of the demonstration and their credentials, or finds earlier ones."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from howdah.tenants.v1 import tenants_pb2 as pb
from howdah.tenants.v1.tenants_pb2_grpc import TenantsServiceStub
from howdah_client import Credential, HowdahError, SignedChannel

SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class DemoTenant:
    """Is one tenant with the data set it is given."""

    tenant_id: str
    name: str
    currency: str
    sample: str
    mapping: str
    start_date: str
    end_date: str


TENANTS = (
    DemoTenant(
        *("acme", "Acme Records", "USD", "cdnow.txt.gz", "cdnow.mapping.json"),
        *("2021-01-01", "2022-07-01"),
    ),
    DemoTenant(
        *("globex", "Globex Gifts", "GBP", "online_retail_10k.csv.gz"),
        *("online_retail.mapping.json", "2010-12-01", "2010-12-06"),
    ),
)


def make_tenant(operator: SignedChannel, tenant: DemoTenant) -> bool:
    """Creates the tenant; tells whether it is new."""
    request = pb.CreateTenantRequest(
        tenant_id=tenant.tenant_id,
        display_name=tenant.name,
        time_zone="UTC",
        currency=tenant.currency,
    )
    try:
        TenantsServiceStub(operator).CreateTenant(request, timeout=SECONDS)
    except HowdahError as error:
        if error.reason != "RESOURCE_EXISTS":
            raise
        return False
    return True


def credential_for(operator: SignedChannel, tenant: str, file: Path) -> tuple[Credential, bool]:
    """Returns the tenant's credential and whether it is new; `file` keeps it between runs."""
    stub = TenantsServiceStub(operator)
    if file.exists():
        known = Credential(**json.loads(file.read_text("ascii")))
        listed = stub.ListCredentials(
            pb.ListCredentialsRequest(tenant_id=tenant, page_size=500), timeout=SECONDS
        )
        if any(
            c.key_id == known.key_id and not c.HasField("revoke_time") for c in listed.credentials
        ):
            return known, False
    request = pb.CreateCredentialRequest(
        description="The demonstration's", tenant_ids=[tenant], roles=["editor"]
    )
    made = stub.CreateCredential(request, timeout=SECONDS)
    credential = Credential(made.credential.key_id, made.secret)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        json.dump(asdict(credential), stream)
    return credential, True
