<?php

declare(strict_types=1);

namespace Howdah\Client;

use Howdah\Client\Breaker\Breaker;
use Howdah\Client\Calls\Caller;
use Howdah\Client\Calls\Retries;
use Howdah\Client\Exception\ConfigurationException;
use Howdah\Client\Signing\BearerToken;
use Howdah\Client\Signing\Credentials;
use Howdah\Client\Signing\SigningKey;
use Howdah\Client\Transport\Endpoint;
use Howdah\Client\Transport\Limits;
use Howdah\Client\Transport\Tls;
use Howdah\Client\Transport\Transports;
use Psr\Log\LoggerInterface;
use Psr\Log\NullLogger;

/** The way in. */
final class Howdah
{
    private const SETTINGS = ['dsn', 'address', 'key_id', 'secret', 'token', 'tenant', 'audience', 'timeout', 'retries', 'ca', 'transport', 'accel_location'];

    /**
     * Makes a client. It connects with the first call and keeps the connection.
     *
     * @param string                          $address   `host:port`, `https://host:port` or `unix:/path`
     * @param string|null                     $keyId     id of a credential; its secret signs every call
     * @param string|null                     $secret    the hexadecimal digits that the node gave out with it
     * @param string                          $audience  the configured name of the node
     * @param string|null                     $tenant    whom calls are for; or later, with `tenant()`
     * @param string|\Closure(): string|null  $token     a bearer token, instead of key id and secret
     * @param float|null                      $timeout   seconds for a call with all its attempts; null takes the contract's
     * @param int                             $retries   attempts after the first, where trying again is safe
     * @param Tls|null                        $tls       certificates; `https://` alone uses those of the system
     * @param string                          $transport `auto`, `curl` or `grpc` (the extension)
     *
     * @throws ConfigurationException
     */
    public static function connect(
        string $address,
        ?string $keyId = null,
        #[\SensitiveParameter] ?string $secret = null,
        string $audience = 'howdah',
        ?string $tenant = null,
        #[\SensitiveParameter] string|\Closure|null $token = null,
        ?float $timeout = null,
        int $retries = 3,
        ?Tls $tls = null,
        Limits $limits = new Limits(),
        LoggerInterface $logger = new NullLogger(),
        string $transport = 'auto',
    ): Client {
        $options = new Options(
            self::credentials($keyId, $secret, $token),
            $audience,
            $tenant,
            $timeout,
            new Retries($retries),
            logger: $logger,
            breaker: new Breaker(),
        );

        return new Client(new Caller(Transports::open(Endpoint::parse($address, $tls), $limits, $transport), $options));
    }

    /**
     * Makes a client from one line, such as `howdah://key:secret@127.0.0.1:50051?tenant=acme`.
     *
     * @throws ConfigurationException
     */
    public static function fromDsn(#[\SensitiveParameter] string $dsn, LoggerInterface $logger = new NullLogger()): Client
    {
        $read = Dsn::parse($dsn);

        return self::connect(
            address: $read->address,
            keyId: $read->keyId,
            secret: $read->secret,
            audience: $read->audience,
            tenant: $read->tenant,
            timeout: $read->timeout,
            retries: $read->retries,
            tls: $read->tls,
            logger: $logger,
            transport: $read->transport,
        );
    }

    /**
     * Makes a client from HOWDAH_DSN; or from HOWDAH_ADDRESS, HOWDAH_KEY_ID and HOWDAH_SECRET (or HOWDAH_TOKEN), and where they are
     * set HOWDAH_AUDIENCE, HOWDAH_TENANT and HOWDAH_CA_FILE. HOWDAH_ACCEL_LOCATION goes with either.
     *
     * @throws ConfigurationException which names everything that is missing
     */
    public static function fromEnvironment(LoggerInterface $logger = new NullLogger()): Client
    {
        $dsn = self::env('HOWDAH_DSN');
        $client = $dsn !== null ? self::fromDsn($dsn, $logger) : self::fromVariables($logger);

        return $client->withAccelLocation(self::env('HOWDAH_ACCEL_LOCATION'));
    }

    /**
     * Makes a client from an array, such as the configuration of a framework. What is null or empty counts as absent.
     *
     * @param array<string, mixed> $settings `dsn`; or `address`, `key_id` and `secret` (or `token`), `tenant`, `audience`, `timeout`,
     *                                       `retries`, `ca` and `transport`. `accel_location` goes with either
     *
     * @throws ConfigurationException
     */
    public static function fromSettings(#[\SensitiveParameter] array $settings, ?LoggerInterface $logger = null): Client
    {
        $logger ??= new NullLogger();
        $unknown = array_diff(array_keys($settings), self::SETTINGS);
        if ($unknown !== []) {
            throw ConfigurationException::because('There is no setting "' . implode('", "', $unknown) . '"; there are ' . implode(', ', self::SETTINGS) . '.');
        }
        $set = array_map(strval(...), array_filter($settings, static fn (mixed $value): bool => $value !== null && $value !== ''));
        if (!isset($set['dsn']) && !isset($set['address'])) {
            throw ConfigurationException::because('Set dsn, or address, key_id and secret.');
        }
        $client = isset($set['dsn']) ? self::fromDsn($set['dsn'], $logger) : self::connect(
            address: $set['address'],
            keyId: $set['key_id'] ?? null,
            secret: $set['secret'] ?? null,
            audience: $set['audience'] ?? 'howdah',
            tenant: $set['tenant'] ?? null,
            token: $set['token'] ?? null,
            timeout: isset($set['timeout']) ? (float) $set['timeout'] : null,
            retries: (int) ($set['retries'] ?? 3),
            tls: isset($set['ca']) ? new Tls($set['ca']) : null,
            logger: $logger,
            transport: $set['transport'] ?? 'auto',
        );

        return $client->withAccelLocation($set['accel_location'] ?? null);
    }

    private static function fromVariables(LoggerInterface $logger): Client
    {
        $needed = ['HOWDAH_ADDRESS'];
        if (self::env('HOWDAH_TOKEN') === null) {
            array_push($needed, 'HOWDAH_KEY_ID', 'HOWDAH_SECRET');
        }
        $missing = array_filter($needed, static fn (string $name): bool => self::env($name) === null);
        if ($missing !== []) {
            throw ConfigurationException::because('Not set in the environment: ' . implode(', ', $missing) . '.');
        }
        $authority = self::env('HOWDAH_CA_FILE');

        return self::connect(
            address: (string) self::env('HOWDAH_ADDRESS'),
            keyId: self::env('HOWDAH_KEY_ID'),
            secret: self::env('HOWDAH_SECRET'),
            audience: self::env('HOWDAH_AUDIENCE') ?? 'howdah',
            tenant: self::env('HOWDAH_TENANT'),
            token: self::env('HOWDAH_TOKEN'),
            tls: $authority === null ? null : new Tls($authority),
            logger: $logger,
        );
    }

    private static function credentials(
        ?string $keyId,
        #[\SensitiveParameter] ?string $secret,
        #[\SensitiveParameter] string|\Closure|null $token,
    ): Credentials {
        if ($token !== null) {
            return new BearerToken($token);
        }
        if ($keyId === null || $secret === null) {
            throw ConfigurationException::because('Give keyId and secret, or a token: the node answers nobody it does not know.');
        }

        return new SigningKey($keyId, $secret);
    }

    private static function env(string $name): ?string
    {
        $value = getenv($name);
        if ($value === false) {
            // Frameworks that read .env files fill these instead.
            $value = $_SERVER[$name] ?? $_ENV[$name] ?? '';
        }

        return is_string($value) && $value !== '' ? $value : null;
    }
}
