<?php

declare(strict_types=1);

namespace Howdah\Client\Calls;

/** Time, so that tests need not wait for it. */
interface Clock
{
    /** Seconds since 1970. */
    public function unixTime(): int;

    /** Seconds that only grow, from an arbitrary beginning. */
    public function monotonic(): float;

    public function sleep(float $seconds): void;
}
