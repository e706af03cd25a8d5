<?php

declare(strict_types=1);

namespace Howdah\Client\Doctor;

use Howdah\Client\Client;
use Howdah\Client\Exception\HowdahException;

/** Looks at a node through a client: whether it answers, to whom, how fast, and what its clock says. */
final class Connection
{
    private const SKEW_ALLOWED_SECONDS = 60;
    private const PINGS = 20;

    private const ADVICE = [
        'SIGNATURE_INVALID' => 'Key id and secret do not belong together, or HOWDAH_AUDIENCE is not the name of the node: `howdah keys create` makes a new key.',
        'TIMESTAMP_SKEW' => 'Set the clock of this machine (NTP).',
        'CREDENTIAL_EXPIRED' => 'Rotate the key: `howdah keys rotate`.',
        'CREDENTIAL_REVOKED' => 'Ask for a new key.',
        'TENANT_MISSING' => 'Set HOWDAH_TENANT, or `?tenant=` in the DSN.',
        'TENANT_NOT_ALLOWED' => 'HOWDAH_TENANT is not the tenant of this key.',
        'CIRCUIT_OPEN' => 'The node failed several times in a row; try again in a moment.',
    ];

    /** @return list<Finding> */
    public static function check(Client $client): array
    {
        $client = $client->withRetries(0)->withBreaker(null);
        try {
            $began = hrtime(true);
            $client->node()->ping('howdah-doctor');
            $first = (hrtime(true) - $began) / 1e6;
            $before = microtime(true);
            $pong = $client->node()->ping('howdah-doctor');
            $after = microtime(true);
            $took = self::latency($client);
        } catch (HowdahException $failed) {
            return [self::failed($failed)];
        }
        $time = $pong->getServerTime();
        $skew = $time === null ? 0.0 : (int) $time->getSeconds() + $time->getNanos() / 1e9 - ($before + $after) / 2;

        return [
            Finding::good('signature', "accepted, key {$pong->getKeyId()}"),
            Finding::good('tenant', $pong->getTenantId()),
            self::skew($skew),
            Finding::good('latency', sprintf('%.1f ms for the first call with its connection, then %.1f ms (median of %d)', $first, $took, self::PINGS)),
        ];
    }

    private static function failed(HowdahException $failed): Finding
    {
        $advice = self::ADVICE[$failed->reason()] ?? match (true) {
            $failed->isRetryable() => 'Is the node running, and is this its address? `howdah up` starts one.',
            default => 'The correlation id finds the call in the log of the node.',
        };

        return Finding::bad('node', $failed->status()->canonicalName() . ': ' . $failed->getMessage(), $advice);
    }

    private static function skew(float $skew): Finding
    {
        $text = sprintf('the node is %.2f s %s', abs($skew), $skew < 0 ? 'behind' : 'ahead');

        return abs($skew) < self::SKEW_ALLOWED_SECONDS / 6
            ? Finding::good('clock', $text)
            : Finding::warning('clock', $text, sprintf('Calls fail beyond %d s: set both clocks (NTP).', self::SKEW_ALLOWED_SECONDS));
    }

    /** Milliseconds. */
    private static function latency(Client $client): float
    {
        $taken = [];
        for ($i = 0; $i < self::PINGS; $i++) {
            $began = hrtime(true);
            $client->node()->ping();
            $taken[] = (hrtime(true) - $began) / 1e6;
        }
        sort($taken);

        return $taken[intdiv(self::PINGS, 2)];
    }
}
