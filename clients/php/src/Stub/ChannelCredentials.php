<?php

declare(strict_types=1);

namespace Howdah\Client\Stub;

use Howdah\Client\Transport\Tls;

/** Stands in for Grpc\ChannelCredentials where the extension is not loaded. */
final readonly class ChannelCredentials
{
    private function __construct(public Tls $tls)
    {
    }

    /** No encryption: null, as in ext-grpc. */
    public static function createInsecure(): null
    {
        return null;
    }

    public static function createDefault(): self
    {
        return new self(new Tls());
    }

    /** Each one PEM text. */
    public static function createSsl(?string $rootCerts = null, #[\SensitiveParameter] ?string $privateKey = null, ?string $certChain = null): self
    {
        return new self(new Tls($rootCerts, $certChain, $privateKey));
    }

    /** The certificates of the system are used; the official BaseStub asks before it brings its own. */
    public static function isDefaultRootsPemSet(): bool
    {
        return true;
    }

    public static function setDefaultRootsPem(string $pem): void
    {
    }
}
