<?php

// Makes calls in one process and says what each cost it. The first line of standard input is JSON: addresses and
// a credential. Every further line, such as {"subject": "call", "seconds": 0.5}, is answered by one line of figures;
// {"deadlines": 40} by how late so many calls ended that nobody answered, in milliseconds.

declare(strict_types=1);

use Howdah\Client\Client;
use Howdah\Client\Howdah;
use Howdah\Client\Signing\Signable;
use Howdah\Client\Signing\SigningKey;
use Howdah\Client\Transport\Curl\CurlTransport;
use Howdah\Client\Transport\Endpoint;
use Howdah\Client\Transport\Request;
use Howdah\Node\V1\PingRequest;

require __DIR__ . '/../../clients/php/tests/autoload.php';

const PATH = '/howdah.node.v1.NodeService/Ping';
const TENANT = 'acme';

/** Seconds. */
const DEADLINE = 0.05;

/** Seconds of CPU this process has used, user and system. */
function cpu(): float
{
    $used = getrusage();

    return $used['ru_utime.tv_sec'] + $used['ru_stime.tv_sec'] + ($used['ru_utime.tv_usec'] + $used['ru_stime.tv_usec']) / 1e6;
}

/**
 * The metadata of a signed call.
 *
 * @return array<string, list<string>>
 */
function metadata(SigningKey $key, string $path, string $message): array
{
    $bytes = bin2hex(random_bytes(16));
    $id = vsprintf('%s%s-%s-4%.3s-a%.3s-%s%s%s', str_split($bytes, 4));

    return $key->sign(new Signable('howdah', $path, TENANT, $id, $message)) + ['x-correlation-id' => [$id], 'x-tenant-id' => [TENANT]];
}

/** A handle with the headers of a signed call, made once: what is left is what curl needs. */
function bare_curl(string $address, SigningKey $key, string $message): \Closure
{
    $headers = ['content-type: application/grpc', 'te: trailers', 'grpc-accept-encoding: identity,gzip', 'Accept:', 'Expect:', 'grpc-timeout: 5000m'];
    foreach (metadata($key, PATH, $message) as $name => [$value]) {
        $headers[] = "$name: $value";
    }
    $handle = curl_init();
    curl_setopt_array($handle, [
        CURLOPT_URL => "http://$address" . PATH,
        CURLOPT_HTTP_VERSION => CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE,
        CURLOPT_POSTFIELDS => pack('CN', 0, strlen($message)) . $message,
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_USERAGENT => 'howdah-php/0.1',
        CURLOPT_HTTPHEADER => $headers,
    ]);

    return static function () use ($handle): bool {
        $answer = curl_exec($handle);
        // libcurl 7.88 uses a connection again only so (curl issue 10634).
        curl_setopt($handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2_0);

        return is_string($answer) && strlen($answer) > 5;
    };
}

/** Bytes in, bytes out, with metadata that is made once, as the bare call's. */
function transport(string $address, SigningKey $key, string $message): \Closure
{
    $transport = new CurlTransport(Endpoint::parse($address), userAgent: 'howdah-php/0.1');
    $metadata = metadata($key, PATH, $message);

    return static function () use ($transport, $message, $metadata): bool {
        $exchange = $transport->start(new Request(PATH, $message, $metadata, 5.0, awaited: true));

        return $exchange->next() !== null && $exchange->status()->isOk();
    };
}

/** What an application writes: a message, a signed call, the answer as an object. */
function call(Client $client, string $text): \Closure
{
    $node = $client->node();

    return static fn (): bool => $node->ping($text)->getMessage() === $text;
}

/** What a team writes without Howdah: a signed JSON POST on a handle that is kept. */
function json_post(string $address, SigningKey $key, string $text): \Closure
{
    $handle = curl_init();
    curl_setopt_array($handle, [
        CURLOPT_URL => "http://$address/v1/ping",
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT_MS => 5000,
    ]);

    return static function () use ($handle, $key, $text): bool {
        $body = json_encode(['message' => $text], JSON_THROW_ON_ERROR);
        $headers = ['Content-Type: application/json'];
        foreach (metadata($key, '/v1/ping', $body) as $name => [$value]) {
            $headers[] = "$name: $value";
        }
        curl_setopt($handle, CURLOPT_HTTPHEADER, $headers);
        curl_setopt($handle, CURLOPT_POSTFIELDS, $body);
        $answer = json_decode((string) curl_exec($handle), true, flags: JSON_THROW_ON_ERROR);

        return curl_getinfo($handle, CURLINFO_RESPONSE_CODE) === 200 && $answer['message'] === $text;
    };
}

/** @return array<string, \Closure(): bool> each tells whether it was answered */
function subjects(array $given): array
{
    ['bare' => $bare, 'chain' => $node, 'fastapi' => $fastapi, 'text' => $text] = $given;
    $key = new SigningKey($given['key_id'], $given['secret']);
    $message = (new PingRequest())->setMessage($text)->serializeToString();
    $client = static fn (string $address, string $transport): Client
        => Howdah::connect($address, $given['key_id'], $given['secret'], tenant: TENANT, transport: $transport);

    return [
        'bare_curl' => bare_curl($bare, $key, $message),
        'transport' => transport($bare, $key, $message),
        'call' => call($client($bare, 'curl'), $text),
        'call_to_node' => call($client($node, 'curl'), $text),
        'json_to_fastapi' => json_post($fastapi, $key, $text),
    ] + (extension_loaded('grpc') ? ['ext_grpc_to_node' => call($client($node, 'grpc'), $text)] : []);
}

/**
 * @param \Closure(): bool $call
 *
 * @return array{calls: int, cpu_us: float, p50_us: float, p99_us: float}
 */
function turn(\Closure $call, float $seconds): array
{
    $took = [];
    $used = cpu();
    $until = hrtime(true) + $seconds * 1e9;
    do {
        $began = hrtime(true);
        $call() || throw new \RuntimeException('A call was not answered as it should be.');
        $ended = hrtime(true);
        $took[] = ($ended - $began) / 1e3;
    } while ($ended < $until);
    $used = cpu() - $used;
    sort($took);
    $calls = count($took);

    return ['calls' => $calls, 'cpu_us' => $used * 1e6 / $calls, 'p50_us' => $took[intdiv($calls, 2)], 'p99_us' => $took[intdiv($calls * 99, 100)]];
}

/**
 * How many milliseconds after its deadline a call ends that is sent and never answered.
 *
 * @return list<float>
 */
function lateness(int $calls): array
{
    // It listens and accepts nobody: the kernel takes the connection and the request.
    $silent = stream_socket_server('tcp://127.0.0.1:0', context: stream_context_create(['socket' => ['backlog' => 2 * $calls]]));
    $transport = new CurlTransport(Endpoint::parse((string) stream_socket_get_name($silent, false)));
    $late = [];
    for ($i = 0; $i < $calls; $i++) {
        $began = hrtime(true);
        $transport->start(new Request(PATH, '', [], DEADLINE, awaited: $i % 2 === 0))->status();
        $late[] = ((hrtime(true) - $began) / 1e9 - DEADLINE) * 1e3;
    }

    return $late;
}

$subjects = subjects(json_decode((string) fgets(STDIN), true, flags: JSON_THROW_ON_ERROR));
echo json_encode([
    'subjects' => array_keys($subjects),
    'php' => PHP_VERSION,
    'libcurl' => curl_version()['version'],
    'protobuf' => extension_loaded('protobuf') ? 'extension' : 'PHP',
    'opcache' => function_exists('opcache_get_status') && opcache_get_status(false) !== false,
], JSON_THROW_ON_ERROR), "\n";
while (($line = fgets(STDIN)) !== false) {
    $asked = json_decode($line, true, flags: JSON_THROW_ON_ERROR);
    $found = isset($asked['deadlines']) ? lateness($asked['deadlines']) : turn($subjects[$asked['subject']], $asked['seconds']);
    echo json_encode($found, JSON_THROW_ON_ERROR), "\n";
}
