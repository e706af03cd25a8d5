<?php

declare(strict_types=1);

namespace Howdah\Client\Doctor;

use Howdah\Client\Client;
use Howdah\Client\Exception\HowdahException;

/** Says whether calls can work from here: first this PHP and PHP-FPM, then the settings, then the node. */
final class Doctor
{
    /**
     * @param \Closure(): Client $connect asked for only where calls can work at all
     * @param string             $advice  where the settings are
     *
     * @return list<Finding>
     */
    public static function examine(\Closure $connect, string $advice): array
    {
        $installation = Installation::check();
        // What PHP-FPM lacks does not keep this process from calling.
        $findings = [...$installation, ...Fpm::check()];
        if (!self::isWell($installation)) {
            return $findings;
        }
        try {
            $client = $connect();
        } catch (HowdahException $wrong) {
            return [...$findings, Finding::bad('settings', $wrong->getMessage(), $advice)];
        }

        return [...$findings, Finding::good('settings', 'complete'), ...Connection::check($client)];
    }

    /** @param list<Finding> $findings */
    public static function isWell(array $findings): bool
    {
        return array_filter($findings, static fn (Finding $one): bool => $one->isBad()) === [];
    }
}
