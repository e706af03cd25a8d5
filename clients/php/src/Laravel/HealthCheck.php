<?php

declare(strict_types=1);

namespace Howdah\Client\Laravel;

use Howdah\Client\Client;
use Howdah\Client\Exception\HowdahException;

/** Fails while the node does not answer; a listener of DiagnosingHealth, and callable from any other check. */
final readonly class HealthCheck
{
    private const SECONDS = 1.0;

    public function __construct(private Client $client)
    {
    }

    /** @throws HowdahException */
    public function handle(): void
    {
        // Without the breaker: a check that is refused would not find out that the node is back.
        $this->client->withTimeout(self::SECONDS)->withRetries(0)->withBreaker(null)->node()->ping();
    }
}
