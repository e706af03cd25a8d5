<?php

declare(strict_types=1);

namespace Howdah\Client\Signing;

use Howdah\Client\Calls\Clock;
use Howdah\Client\Calls\SystemClock;
use Howdah\Client\Exception\ConfigurationException;

/** A credential of the node: signs with HMAC-SHA256. */
final readonly class SigningKey implements Credentials
{
    private const SCHEME = 'HOWDAH-HMAC-SHA256';

    /** Before the last one, which is a hash. */
    private const LINES = 8;

    private string $secret;

    /** @param string $secret the hexadecimal digits that the node gave out with the key id */
    public function __construct(
        public string $keyId,
        #[\SensitiveParameter] string $secret,
        private Clock $clock = new SystemClock(),
    ) {
        if ($keyId === '' || preg_match('/\A[\x21-\x7e]+\z/', $keyId) !== 1) {
            throw ConfigurationException::because('The key id must be printable ASCII without blanks.');
        }
        if (preg_match('/\A(?:[0-9A-Fa-f]{2}){16,}\z/', $secret) !== 1) {
            throw ConfigurationException::because(
                'The secret must be the hexadecimal digits (64 of them) that the node gave out with the key id.',
            );
        }
        $this->secret = (string) hex2bin($secret);
    }

    /** @return array<string, string> */
    public function __debugInfo(): array
    {
        return ['keyId' => $this->keyId, 'secret' => '***'];
    }

    public function sign(Signable $call): array
    {
        $timestamp = (string) $this->clock->unixTime();
        $nonce = rtrim(strtr(base64_encode(random_bytes(16)), '+/', '-_'), '=');

        return [
            'x-internal-key-id' => [$this->keyId],
            'x-internal-timestamp' => [$timestamp],
            'x-internal-nonce' => [$nonce],
            'x-internal-signature' => [$this->signature($this->canonical($call, $timestamp, $nonce))],
        ];
    }

    /** The text that the HMAC covers: every line present, joined by LF, none at the end. */
    public function canonical(Signable $call, string $timestamp, string $nonce): string
    {
        $text = self::SCHEME . "\n{$this->keyId}\n$timestamp\n$nonce\n{$call->audience}\n{$call->path}\n{$call->tenant}\n{$call->correlationId}\n";
        if (substr_count($text, "\n") !== self::LINES || str_contains($text, "\r")) {
            throw ConfigurationException::because('A signed value must not contain a line break.');
        }

        return $text . hash('sha256', $call->message);
    }

    public function signature(string $canonical): string
    {
        return 'v1=' . hash_hmac('sha256', $canonical, $this->secret);
    }
}
