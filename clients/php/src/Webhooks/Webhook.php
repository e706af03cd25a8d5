<?php

declare(strict_types=1);

namespace Howdah\Client\Webhooks;

use Howdah\Client\Calls\Clock;
use Howdah\Client\Calls\SystemClock;
use Howdah\Client\Exception\ConfigurationException;
use Howdah\Client\Exception\WebhookRejected;

/**
 * A message of the node that has been verified, as Standard Webhooks says. It may come more than once: what is
 * done about it is done once for each `id`.
 */
final readonly class Webhook
{
    /** Seconds that the node's clock and this one may differ, and a message may take. */
    public const TOLERANCE_SECONDS = 300;

    private const SECRET_PREFIX = 'whsec_';

    /** @param array<string, mixed> $data what the message tells, such as `job_id` and `state` */
    private function __construct(
        public string $id,
        public \DateTimeImmutable $sentAt,
        public string $type,
        public array $data,
    ) {
    }

    /**
     * Returns the message, or throws.
     *
     * @param string                       $body      the request's body, byte by byte: `file_get_contents('php://input')`
     * @param array<string, mixed>         $headers   as `getallheaders()`, `$_SERVER` or a PSR-7 request gives them
     * @param string|list<string>          $secret    `whsec_…`; several while one takes the place of another
     * @param int                          $tolerance seconds that the message may be old or early
     *
     * @throws WebhookRejected        where the message is not the node's, or not of now
     * @throws ConfigurationException where a secret is none
     */
    public static function verify(
        string $body,
        array $headers,
        #[\SensitiveParameter] string|array $secret,
        int $tolerance = self::TOLERANCE_SECONDS,
        Clock $clock = new SystemClock(),
    ): self {
        $keys = array_map(self::key(...), (array) $secret);
        $id = self::header($headers, 'webhook-id');
        $timestamp = self::header($headers, 'webhook-timestamp');
        $signatures = self::header($headers, 'webhook-signature');
        if (preg_match('/\A\d{1,11}\z/', $timestamp) !== 1) {
            throw WebhookRejected::because('The webhook-timestamp is no time.');
        }
        if (!self::isSigned("$id.$timestamp.$body", $signatures, $keys)) {
            throw WebhookRejected::because('No signature of the webhook is good: is it the secret of this endpoint?');
        }
        // After the signature, so that strangers learn nothing of this clock.
        if (abs($clock->unixTime() - (int) $timestamp) > $tolerance) {
            throw WebhookRejected::because('The webhook is too old or too early: is the clock right?');
        }

        return self::read($id, $timestamp, $body);
    }

    /** @param list<string> $keys */
    private static function isSigned(string $signed, string $signatures, array $keys): bool
    {
        $good = false;
        foreach ($keys as $key) {
            $expected = 'v1,' . base64_encode(hash_hmac('sha256', $signed, $key, true));
            foreach (explode(' ', $signatures) as $signature) {
                // All are compared, so that the time says nothing.
                $good = hash_equals($expected, $signature) || $good;
            }
        }

        return $good;
    }

    private static function read(string $id, string $timestamp, string $body): self
    {
        $message = json_decode($body, true);
        if (!is_array($message) || !is_string($message['type'] ?? null) || !is_array($message['data'] ?? null)) {
            throw WebhookRejected::because('The webhook is signed, but no message of the node.');
        }

        return new self($id, new \DateTimeImmutable('@' . $timestamp), $message['type'], $message['data']);
    }

    private static function key(#[\SensitiveParameter] string $secret): string
    {
        $key = base64_decode(
            str_starts_with($secret, self::SECRET_PREFIX) ? substr($secret, strlen(self::SECRET_PREFIX)) : $secret,
            true,
        );
        if ($key === false || $key === '') {
            throw ConfigurationException::because('The secret of a webhook is `whsec_` and base64, as the node gave it out.');
        }

        return $key;
    }

    /** @param array<string, mixed> $headers */
    private static function header(array $headers, string $name): string
    {
        foreach ($headers as $key => $value) {
            $key = strtolower(strtr((string) $key, '_', '-'));
            if ($key === $name || $key === "http-$name") {
                $value = is_array($value) ? implode(' ', $value) : $value;

                return is_string($value) ? $value : '';
            }
        }
        throw WebhookRejected::because("The request has no header $name.");
    }
}
