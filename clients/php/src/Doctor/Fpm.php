<?php

declare(strict_types=1);

namespace Howdah\Client\Doctor;

/**
 * Looks at the settings of PHP-FPM, which are others than those of the terminal: extensions, the environment that the
 * workers get, and how long a request may take.
 */
final class Fpm
{
    /** Debian's, and that of the images of Docker. */
    public const FOLDERS = '{/etc/php/*/fpm,/usr/local/etc}';

    /** Under which name the client can be told of the node. */
    private const NODE = ['HOWDAH_DSN', 'HOWDAH_ADDRESS'];

    /** @return list<Finding> */
    public static function check(string $folders = self::FOLDERS): array
    {
        $findings = [];
        foreach (glob($folders, GLOB_BRACE | GLOB_ONLYDIR) ?: [] as $folder) {
            $pools = glob("$folder/{pool.d,php-fpm.d}/*.conf", GLOB_BRACE) ?: [];
            if ($pools !== [] && is_dir("$folder/conf.d")) {
                array_push($findings, ...self::extensions($folder));
            }
            foreach ($pools as $file) {
                array_push($findings, ...self::pools($file));
            }
        }

        return $findings;
    }

    /** @return list<Finding> of what the terminal may have and the workers have not */
    private static function extensions(string $folder): array
    {
        $text = '';
        foreach ([...(glob("$folder/conf.d/*.ini") ?: []), "$folder/php.ini"] as $file) {
            $text .= is_file($file) ? file_get_contents($file) . "\n" : '';
        }
        $has = static fn (string $name): bool => preg_match("#^\s*(?:zend_)?extension\s*=\s*\"?(?:\S*/)?(?:php_)?$name(?:\.so)?\"?\s*(?:;.*)?$#mi", $text) === 1;
        $findings = [];
        if (!$has('curl') && !$has('grpc')) {
            $findings[] = Finding::bad('PHP-FPM', "$folder loads neither curl nor grpc", 'apt-get install php-curl, or phpenmod -s fpm curl; then restart PHP-FPM.');
        }
        if (!$has('apcu')) {
            $findings[] = Finding::warning('PHP-FPM', "$folder loads no APCu", 'Without it the circuit breaker never opens there: apt-get install php-apcu, then restart PHP-FPM.');
        }
        if (!$has('opcache')) {
            $findings[] = Finding::warning('PHP-FPM', "$folder loads no OPcache", 'Every request reads the client anew from its files: phpenmod -s fpm opcache, then restart PHP-FPM.');
        }

        return $findings;
    }

    /** @return list<Finding> */
    private static function pools(string $file): array
    {
        $findings = [];
        foreach (@parse_ini_file($file, true, INI_SCANNER_RAW) ?: [] as $pool => $set) {
            if (!is_array($set) || !isset($set['pm.max_children'])) {
                continue;
            }
            $text = "pool $pool: {$set['pm.max_children']} workers";
            $limit = $set['request_terminate_timeout'] ?? '0';
            $findings[] = (int) $limit > 0
                ? Finding::good('PHP-FPM', "$text, at most $limit for a request")
                : Finding::warning('PHP-FPM', "$text, no end to a request", "Set request_terminate_timeout above your longest withTimeout() in $file.");
            if (self::hidesEnvironment($set)) {
                $findings[] = Finding::warning('PHP-FPM', "pool $pool: its workers do not see the HOWDAH_… of the environment", "Set env[HOWDAH_DSN] or clear_env = no in $file, unless a framework reads them from a file.");
            }
        }

        return $findings;
    }

    /** @param array<string, mixed> $pool */
    private static function hidesEnvironment(array $pool): bool
    {
        $isUsed = array_filter(self::NODE, static fn (string $name): bool => (string) getenv($name) !== '') !== [];
        $isKept = in_array(strtolower((string) ($pool['clear_env'] ?? 'yes')), ['no', '0', 'off', 'false'], true);

        return $isUsed && !$isKept && array_intersect(self::NODE, array_keys((array) ($pool['env'] ?? []))) === [];
    }
}
