"""Proves who is calling, by signature or by bearer token."""

from __future__ import annotations

from core.context import Principal
from core.failures import RefusedError
from core.reasons import Reason
from core.tenants.authenticate import Authenticator
from core.tenants.signing import SignedCall, unauthenticated
from core.tenants.tokens import TokenVerifier
from server.call import Answer, Call, Handler
from server.method import RpcMethod

BEARER = "bearer "


class Authentication:
    """Verifies the bytes that came off the wire, before they are parsed."""

    def __init__(self, signatures: Authenticator, tokens: TokenVerifier, audience: str) -> None:
        self._signatures = signatures
        self._tokens = tokens
        self._audience = audience

    def __call__(self, method: RpcMethod, proceed: Handler) -> Handler:
        """Wraps a method. The nonce is checked later, once tenant and permission hold."""
        path, audience, verify = method.path, self._audience, self._signatures.verify

        def handle(call: Call) -> Answer:
            metadata = call.metadata
            signature = metadata.get("x-internal-signature")
            if signature is None:
                call.principal = self._bearer(metadata.get("authorization"))
                return proceed(call)
            if "authorization" in metadata:
                # Which of the two was meant would be anybody's guess.
                raise RefusedError(
                    unauthenticated(Reason.SIGNATURE_MALFORMED, value="authorization")
                )
            signed = SignedCall(
                key_id=metadata.get("x-internal-key-id", ""),
                timestamp=metadata.get("x-internal-timestamp", ""),
                nonce=metadata.get("x-internal-nonce", ""),
                signature=signature,
                audience=audience,
                path=path,
                tenant_id=metadata.get("x-tenant-id", ""),
                correlation_id=metadata.get("x-correlation-id", ""),
                body=call.body,
            )
            call.principal = verify(signed)
            call.signed = signed
            return proceed(call)

        return handle

    def _bearer(self, authorization: str | None) -> Principal:
        if authorization is None:
            raise RefusedError(unauthenticated(Reason.CREDENTIALS_MISSING))
        if not authorization.lower().startswith(BEARER):
            raise RefusedError(unauthenticated(Reason.TOKEN_INVALID))
        return self._tokens.verify(authorization[len(BEARER) :].strip())
