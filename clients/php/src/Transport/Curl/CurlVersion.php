<?php

declare(strict_types=1);

namespace Howdah\Client\Transport\Curl;

use Howdah\Client\Exception\TransportException;

/** Knows what the libcurl at hand can do and which of its faults matter to gRPC. */
final readonly class CurlVersion
{
    public function __construct(
        public int $number,
        public string $name,
        public bool $hasHttp2,
    ) {
    }

    public static function installed(): self
    {
        if (!function_exists('curl_multi_init')) {
            throw TransportException::because(
                'Howdah needs the PHP extension curl (Debian: apt-get install php-curl) or ext-grpc; neither is loaded.',
            );
        }
        $version = curl_version();

        return new self($version['version_number'], $version['version'], ($version['features'] & CURL_VERSION_HTTP2) !== 0);
    }

    /** @throws TransportException where gRPC cannot work over this libcurl */
    public function assertUsable(): void
    {
        if (!$this->hasHttp2) {
            throw TransportException::because("libcurl {$this->name} was built without HTTP/2; install one that has it, or ext-grpc.");
        }
        if ($this->number < 0x074400) {
            throw TransportException::because("libcurl {$this->name} is too old for gRPC: 7.68 or later is needed, or ext-grpc.");
        }
        if ($this->stripsTrailersHeader()) {
            throw TransportException::because(
                "libcurl {$this->name} removes the header \"TE: trailers\", without which gRPC servers end the call "
                . '(curl issue 17122): take another version, or ext-grpc.',
            );
        }
    }

    /**
     * Tells that a connection opened by prior knowledge cannot be used again by prior knowledge:
     * libcurl 7.88 fails with error 16 (curl issue 10634).
     */
    public function cannotReusePriorKnowledge(): bool
    {
        return $this->number >= 0x075800 && $this->number < 0x080000;
    }

    private function stripsTrailersHeader(): bool
    {
        return $this->number >= 0x080C01 && $this->number < 0x080E00;
    }
}
