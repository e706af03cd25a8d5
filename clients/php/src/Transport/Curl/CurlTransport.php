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
 * gRPC on libcurl's HTTP/2. Unary calls move on together, whichever of them is waited for. A stream moves on only
 * when it is read, so that TCP holds the node back for a slow reader, and nothing piles up here.
 */
final class CurlTransport implements Transport
{
    /** A signal handler of PHP runs only when curl_exec has returned, so a long call takes the other way. */
    private const DIRECT_SECONDS = 10.0;

    private readonly CurlVersion $version;
    private readonly Connections $unary;
    private readonly DirectLine $direct;

    /** @var list<Connections> */
    private array $ofStreams = [];

    public function __construct(
        private readonly Endpoint $endpoint,
        private readonly Limits $limits = new Limits(),
        private readonly string $userAgent = 'howdah-php',
        ?CurlVersion $version = null,
    ) {
        $this->version = $version ?? CurlVersion::installed();
        $this->version->assertUsable();
        $this->unary = $this->connections();
        $needsHelp = $endpoint->tls === null && $this->version->cannotReusePriorKnowledge();
        $this->direct = new DirectLine($endpoint, $limits, $userAgent, $needsHelp);
    }

    public function start(Request $request): Exchange
    {
        $inbox = new Inbox($this->limits->maxReceiveBytes);
        $deadline = $request->timeout === null ? null : hrtime(true) / 1e9 + $request->timeout;
        $inbox->status = $this->refusal($request);
        if ($request->awaited && $request->timeout !== null && $request->timeout <= self::DIRECT_SECONDS) {
            $inbox->status === null && $this->direct->carry($request, $inbox, $deadline);

            return new CurlExchange($this->unary, $inbox, null, $deadline);
        }
        $connections = $request->streaming ? $this->forStream() : $this->unary;
        $line = $inbox->status === null ? $connections->start($request, $inbox) : null;

        return new CurlExchange($connections, $inbox, $line, $deadline);
    }

    public function target(): string
    {
        return $this->endpoint->address;
    }

    public function close(): void
    {
        $this->unary->close();
        $this->direct->close();
        foreach ($this->ofStreams as $connections) {
            $connections->close();
        }
        $this->ofStreams = [];
    }

    private function connections(): Connections
    {
        return new Connections($this->endpoint, $this->limits, $this->userAgent, $this->version);
    }

    /** Those that an earlier stream has left, or new ones. */
    private function forStream(): Connections
    {
        foreach ($this->ofStreams as $connections) {
            if ($connections->areIdle()) {
                return $connections;
            }
        }

        return $this->ofStreams[] = $this->connections();
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
