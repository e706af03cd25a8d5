<?php

declare(strict_types=1);

namespace Howdah\Client;

use Howdah\Client\Exception\ConfigurationException;
use Howdah\Client\Transport\Tls;

/** Everything that a client needs, in one line: `howdah://key:secret@127.0.0.1:50051?tenant=acme`. */
final readonly class Dsn
{
    private const SETTINGS = ['tenant', 'audience', 'timeout', 'retries', 'ca', 'transport'];

    private function __construct(
        public string $address,
        public string $keyId,
        #[\SensitiveParameter] public string $secret,
        public ?string $tenant,
        public string $audience,
        public ?float $timeout,
        public int $retries,
        public ?Tls $tls,
        public string $transport,
    ) {
    }

    /** @return array<string, string> */
    public function __debugInfo(): array
    {
        return ['address' => $this->address, 'keyId' => $this->keyId, 'secret' => '***'];
    }

    /**
     * Reads `howdah://` (no encryption), `howdahs://` (TLS) or `unix://key:secret@/path/to/socket`, with the settings
     * tenant, audience, timeout, retries, ca and transport behind the question mark.
     *
     * @throws ConfigurationException which never repeats the secret
     */
    public static function parse(#[\SensitiveParameter] string $dsn): self
    {
        if (preg_match('#\A(howdahs?|unix)://([^:@/?]+):([^:@/?]+)@([^?\#]+)(?:\?([^\#]*))?\z#', trim($dsn), $found) !== 1) {
            throw ConfigurationException::because('A DSN is howdah://key:secret@host:port?tenant=…, howdahs://… or unix://key:secret@/path?tenant=….');
        }
        [, $scheme, $keyId, $secret, $place] = $found;
        parse_str($found[5] ?? '', $settings);
        $unknown = array_diff(array_keys($settings), self::SETTINGS);
        if ($unknown !== []) {
            throw ConfigurationException::because('A DSN has no setting "' . implode('", "', $unknown) . '"; it has ' . implode(', ', self::SETTINGS) . '.');
        }
        $timeout = filter_var($settings['timeout'] ?? null, FILTER_VALIDATE_FLOAT, FILTER_NULL_ON_FAILURE);
        $retries = filter_var($settings['retries'] ?? 3, FILTER_VALIDATE_INT, ['options' => ['min_range' => 0]]);
        if ((isset($settings['timeout']) && $timeout === null) || $retries === false) {
            throw ConfigurationException::because('In a DSN, timeout is a number of seconds, and retries a whole number.');
        }

        return new self(
            match ($scheme) {
                'unix' => 'unix:' . $place,
                'howdahs' => 'https://' . rtrim($place, '/'),
                default => rtrim($place, '/'),
            },
            rawurldecode($keyId),
            rawurldecode($secret),
            $settings['tenant'] ?? null,
            $settings['audience'] ?? 'howdah',
            isset($settings['timeout']) ? $timeout : null,
            $retries,
            isset($settings['ca']) ? new Tls($settings['ca']) : null,
            $settings['transport'] ?? 'auto',
        );
    }
}
