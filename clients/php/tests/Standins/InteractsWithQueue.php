<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Standins;

/** As much of Illuminate\Queue\InteractsWithQueue as a job uses; it remembers what was asked. */
trait InteractsWithQueue
{
    public ?int $releasedFor = null;
    public ?\Throwable $failedWith = null;

    public function release(int $delay = 0): void
    {
        $this->releasedFor = $delay;
    }

    public function fail(\Throwable $why): void
    {
        $this->failedWith = $why;
    }
}
