<?php

declare(strict_types=1);

namespace Howdah\Client\Calls;

/**
 * Lets few retries through when much fails: a node in trouble must not get several times its load. As in gRPC's
 * retry throttling, a failure takes a token, a success gives back a part, and below half there are no retries.
 */
final class RetryBudget
{
    private float $tokens;

    public function __construct(private readonly float $size = 20.0, private readonly float $gain = 0.5)
    {
        $this->tokens = $size;
    }

    public function succeeded(): void
    {
        $this->tokens = min($this->size, $this->tokens + $this->gain);
    }

    /** Counts a failure that could be tried again; false where it must not be. */
    public function allows(): bool
    {
        $this->tokens = max(0.0, $this->tokens - 1.0);

        return $this->tokens > $this->size / 2;
    }
}
