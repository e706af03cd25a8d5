<?php

declare(strict_types=1);

namespace Howdah\Client\Calls;

use Howdah\Client\Contract\Methods;
use Howdah\Client\Options;
use Howdah\Client\Transport\Exchange;
use Howdah\Client\Transport\Metadata;
use Howdah\Client\Transport\Transport;

/** Begins calls: settles tenant, correlation id, deadline and whether they may be repeated. */
final readonly class Caller
{
    /** Seconds for a method that the contract does not have. */
    private const DEFAULT_TIMEOUT = 30.0;

    private \Closure $random;

    /** @param (\Closure(): float)|null $random 0 to 1 */
    public function __construct(
        public Transport $transport,
        public Options $options,
        public Clock $clock = new SystemClock(),
        ?\Closure $random = null,
        private RetryBudget $budget = new RetryBudget(),
    ) {
        $this->random = $random ?? static fn (): float => random_int(0, 1_000_000) / 1_000_000;
    }

    public function withOptions(Options $options): self
    {
        return new self($this->transport, $options, $this->clock, $this->random, $this->budget);
    }

    /**
     * Settles everything about a call but its attempts.
     *
     * @param array<string, string|list<string>> $metadata   wins over that of the options
     * @param float|null                         $timeout    seconds; wins over that of the options
     * @param bool                               $repeatable for a method that changes something: it does no harm twice
     * @param bool                               $streaming  the answer may have many messages
     * @param bool                               $awaited    the caller does nothing else until the answer is there
     */
    public function prepare(
        string $path,
        string $message,
        array $metadata = [],
        ?float $timeout = null,
        bool $repeatable = false,
        bool $streaming = false,
        bool $awaited = false,
    ): Call {
        $metadata = $metadata === [] ? $this->options->metadata : Metadata::normalise($metadata) + $this->options->metadata;
        $tenant = $metadata['x-tenant-id'][0] ?? $this->options->tenant ?? '';
        $correlationId = $metadata['x-correlation-id'][0] ?? $this->options->correlationId ?? Uuid::random();
        $metadata['x-correlation-id'] = [$correlationId];
        if ($tenant !== '') {
            $metadata['x-tenant-id'] = [$tenant];
        }
        $timeout ??= $this->options->timeout ?? Methods::defaultTimeout($path) ?? self::DEFAULT_TIMEOUT;

        return new Call(
            $path,
            $message,
            $metadata,
            $tenant,
            $correlationId,
            $this->clock->monotonic() + $timeout,
            $repeatable || Methods::isRead($path),
            $streaming,
            $awaited,
        );
    }

    /** Prepares a call and sends it, with the arguments of `prepare()`. */
    public function begin(string $path, string $message, mixed ...$more): Exchange
    {
        return $this->send($this->prepare($path, $message, ...$more));
    }

    /** Sends the first attempt; it has been answered where the call is awaited. */
    public function send(Call $call): Exchange
    {
        if ($this->options->middleware === []) {
            return $this->attempt($call);
        }
        $next = $this->attempt(...);
        foreach (array_reverse($this->options->middleware) as $middleware) {
            $next = static fn (Call $call): Exchange => $middleware->handle($call, $next);
        }

        return $next($call);
    }

    private function attempt(Call $call): Attempts
    {
        return new Attempts($call, $this->transport, $this->options, $this->clock, $this->random, $this->budget);
    }
}
