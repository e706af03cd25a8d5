<?php

declare(strict_types=1);

namespace Howdah\Client\Transport;

/** Certificates of a TLS connection; each is PEM text or the path of a PEM file. */
final readonly class Tls
{
    /**
     * @param string|null $authority   whom to trust; the system's certificates where null
     * @param string|null $certificate shown to the node (mutual TLS)
     * @param string|null $privateKey  of that certificate
     */
    public function __construct(
        public ?string $authority = null,
        public ?string $certificate = null,
        #[\SensitiveParameter] public ?string $privateKey = null,
    ) {
    }

    /** @return array<string, string|null> */
    public function __debugInfo(): array
    {
        return [
            'authority' => $this->authority,
            'certificate' => $this->certificate,
            'privateKey' => $this->privateKey === null ? null : '***',
        ];
    }

    public static function isPem(string $pathOrPem): bool
    {
        return str_contains($pathOrPem, '-----BEGIN');
    }
}
