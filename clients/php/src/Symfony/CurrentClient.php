<?php

declare(strict_types=1);

namespace Howdah\Client\Symfony;

use Howdah\Client\Client;
use Symfony\Component\HttpFoundation\RequestStack;

/** Joins the calls of a client to the request that is being answered. */
final class CurrentClient
{
    public static function of(Client $client, ?RequestStack $requests): Client
    {
        $request = $requests?->getMainRequest();

        return $request === null ? $client : $client->withCurrentRequest($request->server->all());
    }
}
