<?php

declare(strict_types=1);

namespace Howdah\Client\Transport;

/** Carries single attempts to one node. It knows nothing of signing, tenants and retries. */
interface Transport
{
    /** Sends a request and returns at once; the answer is read from the exchange. */
    public function start(Request $request): Exchange;

    /** The address it speaks to, for people. */
    public function target(): string;

    /** Ends its connections. The next request opens one again. */
    public function close(): void;
}
