<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Support;

use Howdah\Client\Calls\Clock;

/** A clock that stands still until it is told, or asked, to go on. */
final class FakeClock implements Clock
{
    /** @var list<float> */
    public array $slept = [];

    public function __construct(public float $now = 1000.0)
    {
    }

    public function unixTime(): int
    {
        return 1_790_000_000 + (int) $this->now;
    }

    public function monotonic(): float
    {
        return $this->now;
    }

    public function sleep(float $seconds): void
    {
        $this->slept[] = $seconds;
        $this->now += $seconds;
    }
}
