<?php

declare(strict_types=1);

namespace Howdah\Client\Laravel;

use Howdah\Jobs\V1\Job;

/** The event that `howdah:watch` dispatches. */
final readonly class JobEnded
{
    public function __construct(public Job $job, public bool $succeeded)
    {
    }
}
