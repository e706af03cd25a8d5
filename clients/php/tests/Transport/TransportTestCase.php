<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Transport;

use Howdah\Client\Calls\Caller;
use Howdah\Client\Client;
use Howdah\Client\Options;
use Howdah\Client\Signing\SigningKey;
use Howdah\Client\Tests\Support\MisbehavingServer;
use Howdah\Client\Transport\Curl\CurlTransport;
use Howdah\Client\Transport\Endpoint;
use Howdah\Client\Transport\Limits;
use Howdah\Client\Transport\Tls;
use Howdah\Node\V1\NodeServiceClient;
use Howdah\Node\V1\PingRequest;
use PHPUnit\Framework\TestCase;

abstract class TransportTestCase extends TestCase
{
    protected static function client(string $address = '', ?Limits $limits = null, ?Tls $tls = null, int $retries = 0): Client
    {
        $address = $address !== '' ? $address : MisbehavingServer::shared()->address();
        $options = new Options(new SigningKey('php-test', str_repeat('00', 32)), tenant: 'acme');
        $transport = new CurlTransport(Endpoint::parse($address, $tls), $limits ?? new Limits());

        return new Client(new Caller($transport, $options->withRetries($retries)));
    }

    protected static function ping(Client $client, string $message): string
    {
        return $client->node()->ping($message)->getMessage();
    }

    /** @return array{object|null, \stdClass} as the generated stub gives it */
    protected static function rawPing(Client $client, string $message, array $metadata = [], array $options = []): array
    {
        $request = (new PingRequest())->setMessage($message);

        return $client->stub(NodeServiceClient::class)->Ping($request, $metadata, $options)->wait();
    }
}
