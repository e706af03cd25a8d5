#!/usr/bin/env php
<?php

// Measures what a unary call costs this process, against a bare curl_exec of the same bytes:
//
//   php -d opcache.enable_cli=1 clients/php/tools/bench.php [--calls 400] [--rounds 15] [--json]
//
// Everything is measured in turn within every round, on connections that stand, so that what else the machine
// does falls on all alike. The node is tests/server/misbehaving.py, in a process of its own.

declare(strict_types=1);

use Howdah\Client\Howdah;
use Howdah\Client\Tests\Support\MisbehavingServer;
use Howdah\Client\Transport\Curl\CurlTransport;
use Howdah\Client\Transport\Endpoint;
use Howdah\Client\Transport\Request;
use Howdah\Node\V1\NodeServiceClient;
use Howdah\Node\V1\PingRequest;

require __DIR__ . '/../tests/autoload.php';

const PATH = '/howdah.node.v1.NodeService/Ping';

const METADATA = [
    'x-internal-key-id' => ['acme-b65a88e056aa'],
    'x-internal-timestamp' => ['1790000000'],
    'x-internal-nonce' => ['AAAAAAAAAAAAAAAAAAAAAA'],
    'x-internal-signature' => ['v1=0000000000000000000000000000000000000000000000000000000000000000'],
    'x-correlation-id' => ['4ba193f8-c1fd-4c98-bf49-d9c99beaef8d'],
    'x-tenant-id' => ['acme'],
];

/** Seconds of CPU this process has used, user and system. */
function cpu(): float
{
    $used = getrusage();

    return $used['ru_utime.tv_sec'] + $used['ru_stime.tv_sec'] + ($used['ru_utime.tv_usec'] + $used['ru_stime.tv_usec']) / 1e6;
}

/** A handle with the headers of a signed call, made once; what is left is what curl needs. */
function bare(string $address, string $message): \Closure
{
    $handle = curl_init();
    curl_setopt_array($handle, [
        CURLOPT_URL => "http://$address" . PATH,
        CURLOPT_HTTP_VERSION => CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE,
        CURLOPT_POSTFIELDS => pack('CN', 0, strlen($message)) . $message,
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_USERAGENT => 'howdah-php/0.1',
        CURLOPT_HTTPHEADER => [
            'content-type: application/grpc',
            'te: trailers',
            'grpc-accept-encoding: identity,gzip',
            'Accept:',
            'Expect:',
            'grpc-timeout: 5000m',
            'x-internal-key-id: acme-b65a88e056aa',
            'x-internal-timestamp: 1790000000',
            'x-internal-nonce: AAAAAAAAAAAAAAAAAAAAAA',
            'x-internal-signature: v1=' . str_repeat('0', 64),
            'x-correlation-id: 4ba193f8-c1fd-4c98-bf49-d9c99beaef8d',
            'x-tenant-id: acme',
        ],
    ]);

    return static function () use ($handle): void {
        $answer = curl_exec($handle);
        if (!is_string($answer) || strlen($answer) < 5) {
            throw new \RuntimeException('The bare call failed: ' . curl_error($handle));
        }
        // libcurl 7.88 reuses a connection only so (curl issue 10634).
        curl_setopt($handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2_0);
    };
}

/** @return array<string, \Closure(): void> */
function subjects(string $address): array
{
    $request = (new PingRequest())->setMessage('hello');
    $message = $request->serializeToString();
    $transport = new CurlTransport(Endpoint::parse($address), userAgent: 'howdah-php/0.1');
    $client = Howdah::connect($address, 'acme-b65a88e056aa', str_repeat('5c', 32), tenant: 'acme', transport: 'curl');
    $node = $client->node();
    $stub = new NodeServiceClient($address, ['credentials' => null]);

    return [
        'bare curl_exec' => bare($address, $message),
        'bare curl_exec again' => bare($address, $message),
        // Bytes in, bytes out: what issue 5 compares with the bare call.
        'transport' => static function () use ($transport, $message): void {
            $exchange = $transport->start(new Request(PATH, $message, METADATA, 5.0, awaited: true));
            $exchange->next();
            $exchange->status()->isOk() || throw new \RuntimeException('The transport failed.');
        },
        'transport, many at once' => static function () use ($transport, $message): void {
            $exchange = $transport->start(new Request(PATH, $message, METADATA, 5.0));
            $exchange->next();
            $exchange->status()->isOk() || throw new \RuntimeException('The transport failed.');
        },
        'unsigned stub' => static function () use ($stub): void {
            $stub->Ping((new PingRequest())->setMessage('hello'))->answer();
        },
        'signed client' => static function () use ($node): void {
            $node->ping('hello');
        },
        'protobuf alone' => static function () use ($message): void {
            (new PingRequest())->setMessage('hello')->serializeToString();
            (new \Howdah\Node\V1\PingResponse())->mergeFromString($message);
        },
    ];
}

/** @param list<float> $values */
function median(array $values): float
{
    sort($values);

    return $values[intdiv(count($values), 2)];
}

$options = getopt('', ['calls:', 'rounds:', 'json', 'only:']);
$calls = (int) ($options['calls'] ?? 400);
$rounds = (int) ($options['rounds'] ?? 15);
$server = new MisbehavingServer(plain: true);
$subjects = subjects($server->address());
if (isset($options['only'])) {
    $subjects = array_intersect_key($subjects, array_flip(explode(',', $options['only'])));
}
$cpu = $wall = [];
foreach ($subjects as $call) {
    for ($i = 0; $i < 200; $i++) {
        $call();
    }
}
for ($round = 0; $round < $rounds; $round++) {
    foreach ($subjects as $name => $call) {
        $used = cpu();
        $began = hrtime(true);
        for ($i = 0; $i < $calls; $i++) {
            $call();
        }
        $wall[$name][] = (hrtime(true) - $began) / 1e3 / $calls;
        $cpu[$name][] = (cpu() - $used) * 1e6 / $calls;
    }
}
$result = [];
foreach ($cpu as $name => $each) {
    // Round by round against the bare call of the same round; the median of these is what is told.
    $ratios = array_map(static fn (float $one, float $bare): float => $one / $bare, $each, reset($cpu));
    $result[$name] = ['cpu_us' => median($each), 'wall_us' => median($wall[$name]), 'cpu_over_bare' => median($ratios)];
}
if (isset($options['json'])) {
    echo json_encode($result, JSON_PRETTY_PRINT | JSON_THROW_ON_ERROR), "\n";
    exit(0);
}
printf("%-26s %10s %10s %10s\n", '', 'CPU µs', 'wall µs', 'CPU/bare');
foreach ($result as $name => $row) {
    printf("%-26s %10.1f %10.1f %10.2f\n", $name, $row['cpu_us'], $row['wall_us'], $row['cpu_over_bare']);
}
