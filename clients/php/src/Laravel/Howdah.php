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
    /** Asks anew each time, so that a request never gets the correlation id of another. */
    public static function getFacadeRoot(): Client
    {
        self::clearResolvedInstance(Client::class);

        return parent::getFacadeRoot();
    }

    protected static function getFacadeAccessor(): string
    {
        return Client::class;
    }
}
