<?php

declare(strict_types=1);

namespace Howdah\Client\Laravel;

use Howdah\Client\Client;
use Illuminate\Support\Facades\Facade;

/**
 * The client as a facade: `Howdah::analytics()->computeKpis(…)`. `Howdah::swap((new HowdahFake())->client())` in a test.
 *
 * @mixin Client
 */
final class Howdah extends Facade
{
    /** Each call asks anew, so that a request never gets the correlation id of another. */
    protected static $cached = false;

    protected static function getFacadeAccessor(): string
    {
        return Client::class;
    }
}
