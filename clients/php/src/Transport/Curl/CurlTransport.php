<?php

declare(strict_types=1);

namespace Howdah\Client\Transport\Curl;

use Howdah\Client\Code;
use Howdah\Client\Transport\Endpoint;
use Howdah\Client\Transport\Exchange;
use Howdah\Client\Transport\Limits;
use Howdah\Client\Transport\Request;
use Howdah\Client\Transport\Status;
use Howdah\Client\Transport\Transport;

/**
 * gRPC on libcurl's HTTP/2. Unary calls share one connection; a stream has one to itself, so that a slow reader
 * holds back the node through TCP and nothing else. (Pausing one of several streams of a connection would do
 * it too, but then libcurl 7.88 now and then loses the trailers of another.)
 */
final class CurlTransport implements Transport
{
    private readonly CurlVersion $version;
    private readonly CurlConnection $shared;

    /** @var list<CurlConnection> */
    private array $ofStreams = [];

    public function __construct(
        private readonly Endpoint $endpoint,
        private readonly Limits $limits = new Limits(),
        private readonly string $userAgent = 'howdah-php',
        ?CurlVersion $version = null,
    ) {
        $this->version = $version ?? CurlVersion::installed();
        $this->version->assertUsable();
        $this->shared = $this->connection();
    }

    public function start(Request $request): Exchange
    {
        $inbox = new Inbox($this->limits->maxReceiveBytes);
        $deadline = $request->timeout === null ? null : hrtime(true) / 1e9 + $request->timeout;
        $connection = $request->streaming ? $this->idleConnection() : $this->shared;
        $inbox->status = $this->refusal($request);
        $line = $inbox->status === null ? $connection->start($request, $inbox, $deadline) : null;

        return new CurlExchange($connection, $inbox, $line, $deadline);
    }

    public function target(): string
    {
        return $this->endpoint->address;
    }

    public function close(): void
    {
        $this->shared->close();
        foreach ($this->ofStreams as $connection) {
            $connection->close();
        }
        $this->ofStreams = [];
    }

    private function connection(): CurlConnection
    {
        return new CurlConnection($this->endpoint, $this->limits, $this->userAgent, $this->version);
    }

    /** One that an earlier stream has left, or a new one. */
    private function idleConnection(): CurlConnection
    {
        foreach ($this->ofStreams as $connection) {
            if ($connection->isIdle()) {
                return $connection;
            }
        }

        return $this->ofStreams[] = $this->connection();
    }

    private function refusal(Request $request): ?Status
    {
        $size = strlen($request->message);
        if ($size > $this->limits->maxSendBytes) {
            return new Status(
                Code::ResourceExhausted,
                "The request is a message of $size bytes; maxSendBytes allows {$this->limits->maxSendBytes}.",
            );
        }

        return $request->timeout !== null && $request->timeout <= 0
            ? new Status(Code::DeadlineExceeded, 'The deadline passed before the call was sent.')
            : null;
    }
}
