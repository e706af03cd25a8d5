<?php

declare(strict_types=1);

namespace Howdah\Client\Calls;

/** The clock of this computer. */
final class SystemClock implements Clock
{
    public function unixTime(): int
    {
        return time();
    }

    public function monotonic(): float
    {
        return hrtime(true) / 1e9;
    }

    public function sleep(float $seconds): void
    {
        // A signal ends usleep early; the rest is slept as well.
        $until = $this->monotonic() + $seconds;
        while (($left = $until - $this->monotonic()) > 0) {
            usleep(min(1_000_000, max(1, (int) ceil($left * 1e6))));
        }
    }
}
