<?php

declare(strict_types=1);

namespace Howdah\Client\Calls;

use Howdah\Client\Transport\Exchange;

/** Stands around every call with all its attempts: to measure it, to add metadata, or to answer in its place. */
interface Middleware
{
    /** @param \Closure(Call): Exchange $next sends the call, which is signed after this */
    public function handle(Call $call, \Closure $next): Exchange;
}
