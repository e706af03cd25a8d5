<?php

declare(strict_types=1);

namespace Howdah\Client\Transport\Curl;

use Howdah\Client\Transport\Endpoint;
use Howdah\Client\Transport\Limits;
use Howdah\Client\Transport\Metadata;
use Howdah\Client\Transport\Request;
use Howdah\Client\Transport\Tls;

/** A curl handle that is set up once and carries one request after the other. */
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
    private ?Request $request = null;
    private bool $repeated = false;

    private bool $probes = false;
    private bool $joins = false;

    public function __construct(
        private readonly Endpoint $endpoint,
        private readonly Limits $limits,
        private readonly string $userAgent,
    ) {
        $this->handle = curl_init();
        curl_setopt_array($this->handle, $this->fixedOptions());
    }

    /** Gets ready to send; the handle is not in use yet. */
    public function load(Request $request, Inbox $inbox, int $httpVersion, bool $ownConnection): void
    {
        $this->request = $request;
        $this->inbox = $inbox;
        $this->repeated = false;
        $this->probes = false;
        $this->body = pack('CN', 0, strlen($request->message)) . $request->message;
        $this->prepare($httpVersion, $ownConnection);
        curl_setopt_array($this->handle, [
            CURLOPT_URL => $this->endpoint->baseUrl() . $request->path,
            CURLOPT_INFILESIZE => strlen($this->body),
            CURLOPT_HTTPHEADER => $this->headers($request),
        ]);
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
        curl_setopt($this->handle, CURLOPT_INFILESIZE, 0);

        return true;
    }

    /** Whether what arrives is the answer to a probe. */
    public function probes(): bool
    {
        return $this->probes;
    }

    public function messageBytes(): int
    {
        return strlen($this->request->message ?? '');
    }

    /** Forgets the request, so that the line can be used again. */
    public function unload(): void
    {
        $this->request = null;
        $this->inbox = null;
        $this->body = '';
    }

    /** Whether it asked for the open connection that libcurl may have had to replace. */
    public function joins(): bool
    {
        return $this->joins;
    }

    private function prepare(int $httpVersion, bool $ownConnection): void
    {
        $this->sent = 0;
        $this->joins = $httpVersion === CURL_HTTP_VERSION_2_0;
        curl_setopt_array($this->handle, [
            CURLOPT_HTTP_VERSION => $httpVersion,
            CURLOPT_FRESH_CONNECT => $ownConnection,
            CURLOPT_FORBID_REUSE => false,
        ]);
    }

    /** @return list<string> */
    private function headers(Request $request): array
    {
        $lines = self::FIXED_HEADERS;
        if ($request->timeout !== null) {
            $lines[] = 'grpc-timeout: ' . self::timeout($request->timeout);
        }

        return [...$lines, ...Metadata::toHeaderLines($request->metadata)];
    }

    /** Up to eight digits and a unit. */
    private static function timeout(float $seconds): string
    {
        $milliseconds = max(1, (int) ceil($seconds * 1000));

        return $milliseconds < 100_000_000 ? $milliseconds . 'm' : min(99_999_999, (int) ceil($seconds)) . 'S';
    }

    /** @return array<int, mixed> */
    private function fixedOptions(): array
    {
        $options = [
            // An upload fed by a callback cannot be rewound: once bytes of it are out, libcurl does not
            // silently send it again on another connection, as it does with a POST it holds whole.
            CURLOPT_UPLOAD => true,
            CURLOPT_CUSTOMREQUEST => 'POST',
            CURLOPT_READFUNCTION => $this->read(...),
            CURLOPT_HEADERFUNCTION => $this->header(...),
            CURLOPT_WRITEFUNCTION => $this->write(...),
            CURLOPT_USERAGENT => $this->userAgent,
            CURLOPT_CONNECTTIMEOUT_MS => max(1, (int) round($this->limits->connectTimeout * 1000)),
            CURLOPT_PROXY => '',
            CURLOPT_PROTOCOLS => CURLPROTO_HTTP | CURLPROTO_HTTPS,
            CURLOPT_NOSIGNAL => true,
            CURLOPT_TCP_KEEPALIVE => true,
            CURLOPT_TCP_KEEPIDLE => 30,
            CURLOPT_TCP_KEEPINTVL => 10,
            CURLOPT_BUFFERSIZE => 64 * 1024,
        ];
        if ($this->endpoint->socketPath !== null) {
            $options[CURLOPT_UNIX_SOCKET_PATH] = $this->endpoint->socketPath;
        }

        return $options + ($this->endpoint->tls === null ? [] : self::tlsOptions($this->endpoint->tls));
    }

    /** @return array<int, mixed> */
    private static function tlsOptions(Tls $tls): array
    {
        $options = [CURLOPT_SSL_VERIFYPEER => true, CURLOPT_SSL_VERIFYHOST => 2, CURLOPT_SSLVERSION => CURL_SSLVERSION_TLSv1_2];
        foreach ([
            [$tls->authority, CURLOPT_CAINFO, CURLOPT_CAINFO_BLOB],
            [$tls->certificate, CURLOPT_SSLCERT, CURLOPT_SSLCERT_BLOB],
            [$tls->privateKey, CURLOPT_SSLKEY, CURLOPT_SSLKEY_BLOB],
        ] as [$value, $asFile, $asText]) {
            if ($value !== null) {
                $options[Tls::isPem($value) ? $asText : $asFile] = $value;
            }
        }

        return $options;
    }

    private function read(\CurlHandle $handle, mixed $file, int $length): string
    {
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
