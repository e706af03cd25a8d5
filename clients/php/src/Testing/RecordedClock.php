<?php

declare(strict_types=1);

namespace Howdah\Client\Testing;

use Howdah\Client\Calls\Clock;

/** A clock that goes on only when it is told to, or when somebody sleeps, and remembers who slept how long. */
final class RecordedClock implements Clock
{
    /** @var list<float> seconds */
    public array $slept = [];

    public function __construct(public float $now = 1_767_225_600.0)
    {
    }

    public function unixTime(): int
    {
        return (int) $this->now;
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

    public function advance(float $seconds): void
    {
        $this->now += $seconds;
    }
}
