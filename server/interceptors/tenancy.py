"""Binds the call to its tenant and asks whether the caller may do this there."""

from __future__ import annotations

import structlog

from core.context import TENANT_ID
from core.failures import Failure, RefusedError, not_found
from core.reasons import Reason
from core.tenants.authenticate import Authenticator
from core.tenants.directory import Directory
from server.call import Answer, Call, Handler
from server.method import RpcMethod

MISSING = Failure(Reason.TENANT_MISSING, "The method needs x-tenant-id.")
MALFORMED = Failure(Reason.TENANT_INVALID, "x-tenant-id does not have the required form.")


class Tenancy:
    """Refuses a foreign tenant, a missing permission and a used nonce, in this order.

    The nonce comes last of the checks on the caller, so that only proven callers fill its store.
    """

    def __init__(self, directory: Directory, signatures: Authenticator) -> None:
        self._directory = directory
        self._signatures = signatures

    def __call__(self, method: RpcMethod, proceed: Handler) -> Handler:
        """Wraps a method; one of the node as a whole is bound to no tenant."""
        permission, tenant_bound, changes = method.permission, method.tenant_bound, method.mutates
        find_tenant = self._directory.tenant
        require_new_nonce = self._signatures.require_new_nonce
        lacking = Failure(
            Reason.PERMISSION_MISSING,
            f"None of the caller's roles grants {permission}.",
            {"permission": permission},
        )
        bind = structlog.contextvars.bind_contextvars

        def handle(call: Call) -> Answer:
            principal = call.principal
            assert principal is not None
            tenant_id = call.metadata.get("x-tenant-id", "")
            if tenant_bound:
                if not tenant_id:
                    raise RefusedError(MISSING)
                if not TENANT_ID.fullmatch(tenant_id):
                    raise RefusedError(MALFORMED)
                if not principal.may_act_for(tenant_id):
                    raise RefusedError(_foreign(tenant_id))
            if permission not in principal.permissions:
                raise RefusedError(lacking)
            if call.signed is not None:
                require_new_nonce(call.signed, changes=changes)
            if tenant_bound:
                if find_tenant(tenant_id) is None:
                    raise RefusedError(not_found("tenant", tenant_id))
                call.tenant_id = tenant_id
                bind(tenant_id=tenant_id)
            return proceed(call)

        return handle


def _foreign(tenant_id: str) -> Failure:
    return Failure(
        Reason.TENANT_NOT_ALLOWED,
        f"The credential may not act for the tenant {tenant_id!r}.",
        {"tenant_id": tenant_id},
    )
