<?php

declare(strict_types=1);

namespace Howdah\Client\Transport\Curl;

use Howdah\Client\Transport\Endpoint;
use Howdah\Client\Transport\Limits;
use Howdah\Client\Transport\Metadata;
use Howdah\Client\Transport\Request;

/** A curl handle that is set up once and carries one request after the other. Only what differs is set again. */
final class Line
{
    private const FIXED_HEADERS = [
        'content-type: application/grpc',
        'te: trailers',
        'grpc-accept-encoding: identity,gzip',
        // Blank: curl would add both by itself, and neither belongs into gRPC.
        'Accept:',
        'Expect:',
    ];

    public readonly \CurlHandle $handle;
    public ?Inbox $inbox = null;

    private string $body = '';
    private int $sent = 0;
    private int $messageBytes = 0;
    private bool $repeated = false;
    private bool $probes = false;
    private bool $joins = false;

    // What the handle is set to.
    private string $path = '';
    private int $size = -1;
    private int $httpVersion = 0;
    private bool $ownConnection = false;
    private int $timeLimit = 0;

    public function __construct(
        private readonly Endpoint $endpoint,
        Limits $limits,
        string $userAgent,
    ) {
        $this->handle = curl_init();
        curl_setopt_array($this->handle, [
            CURLOPT_READFUNCTION => $this->read(...),
            CURLOPT_HEADERFUNCTION => $this->header(...),
            CURLOPT_WRITEFUNCTION => $this->write(...),
        ] + LineOptions::of($endpoint, $limits, $userAgent));
    }

    /** Gets ready to send; the handle is not in use yet. */
    public function load(Request $request, Inbox $inbox, int $httpVersion, bool $ownConnection): void
    {
        $this->inbox = $inbox;
        $this->repeated = $this->probes = false;
        $this->messageBytes = strlen($request->message);
        $this->body = pack('CN', 0, $this->messageBytes) . $request->message;
        $this->prepare($httpVersion, $ownConnection);
        $this->setSize($this->messageBytes + 5);
        if ($request->path !== $this->path) {
            curl_setopt($this->handle, CURLOPT_URL, $this->endpoint->baseUrl() . $request->path);
            $this->path = $request->path;
        }
        curl_setopt($this->handle, CURLOPT_HTTPHEADER, self::headers($request));
    }

    /** Ends the transfer by itself after so many milliseconds; 0 for never. */
    public function limitTime(int $milliseconds): void
    {
        if ($milliseconds !== $this->timeLimit) {
            curl_setopt($this->handle, CURLOPT_TIMEOUT_MS, $milliseconds);
            $this->timeLimit = $milliseconds;
        }
    }

    /** Gets ready to send the same once more, on a connection of its own. Only once for each request. */
    public function reload(): bool
    {
        if ($this->repeated) {
            return false;
        }
        $this->repeated = true;
        $this->inbox?->reset();
        $this->prepare(CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE, true);

        return true;
    }

    /** Gets ready to send the same without its message, to hear an answer that was lost. Only once for each request. */
    public function probe(int $httpVersion): bool
    {
        if ($this->probes) {
            return false;
        }
        $this->probes = true;
        $this->body = '';
        $this->inbox?->reset();
        $this->prepare($httpVersion, false);
        $this->setSize(0);

        return true;
    }

    /** Whether what arrives is the answer to a probe. */
    public function probes(): bool
    {
        return $this->probes;
    }

    public function messageBytes(): int
    {
        return $this->messageBytes;
    }

    /** Forgets the request, so that the line can be used again. */
    public function unload(): void
    {
        $this->inbox = null;
        $this->body = '';
    }

    /** Gives the handle up, and with it a connection that is its own: the callbacks would hold both for longer. */
    public function close(): void
    {
        $this->unload();
        curl_reset($this->handle);
    }

    /**
     * Tells that the connection was gone and libcurl opened one with HTTP/1.1 in its place. Nothing was handled then:
     * no gRPC server takes HTTP/1.1. Not so where libcurl fails to send again what had been sent: that may have been.
     */
    public function fellBack(int $error): bool
    {
        return $this->joins && $error !== CurlFailure::SENT_BEFORE && curl_getinfo($this->handle, CURLINFO_NUM_CONNECTS) > 0 && !$this->isHttp2();
    }

    public function isHttp2(): bool
    {
        return curl_getinfo($this->handle, CURLINFO_HTTP_VERSION) === CURL_HTTP_VERSION_2_0;
    }

    private function prepare(int $httpVersion, bool $ownConnection): void
    {
        $this->sent = 0;
        $this->joins = $httpVersion === CURL_HTTP_VERSION_2_0;
        if ($httpVersion !== $this->httpVersion) {
            curl_setopt($this->handle, CURLOPT_HTTP_VERSION, $httpVersion);
            $this->httpVersion = $httpVersion;
        }
        if ($ownConnection !== $this->ownConnection) {
            curl_setopt($this->handle, CURLOPT_FRESH_CONNECT, $ownConnection);
            $this->ownConnection = $ownConnection;
        }
    }

    private function setSize(int $size): void
    {
        if ($size !== $this->size) {
            curl_setopt($this->handle, CURLOPT_INFILESIZE, $size);
            $this->size = $size;
        }
    }

    /** @return list<string> */
    private static function headers(Request $request): array
    {
        $lines = self::FIXED_HEADERS;
        if ($request->timeout !== null) {
            $lines[] = 'grpc-timeout: ' . self::timeout($request->timeout);
        }
        foreach ($request->metadata as $name => $values) {
            $isBinary = str_ends_with($name, '-bin');
            foreach ($values as $value) {
                // What is plain text, nearly all of it, is done here.
                $lines[] = $isBinary || $value === '' ? Metadata::headerLine($name, $value) : "$name: $value";
            }
        }

        return $lines;
    }

    /** Up to eight digits and a unit. */
    private static function timeout(float $seconds): string
    {
        $milliseconds = max(1, (int) ceil($seconds * 1000));

        return $milliseconds < 100_000_000 ? $milliseconds . 'm' : min(99_999_999, (int) ceil($seconds)) . 'S';
    }

    private function read(\CurlHandle $handle, mixed $file, int $length): string
    {
        if ($this->sent === 0 && $length >= strlen($this->body)) {
            $this->sent = strlen($this->body);

            return $this->body;
        }
        $piece = substr($this->body, $this->sent, $length);
        $this->sent += strlen($piece);

        return $piece;
    }

    private function header(\CurlHandle $handle, string $lines): int
    {
        $this->inbox?->takeHeaders($lines);

        return strlen($lines);
    }

    private function write(\CurlHandle $handle, string $bytes): int
    {
        return $this->inbox?->takeBody($bytes) === true ? strlen($bytes) : 0;
    }
}
