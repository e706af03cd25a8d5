<?php

declare(strict_types=1);

namespace Howdah\Client\Doctor;

use Howdah\Client\Breaker\ApcuStore;
use Howdah\Client\Exception\TransportException;
use Howdah\Client\Transport\Curl\CurlVersion;

/** Looks at this PHP: versions, extensions, and the settings of PHP-FPM where they can be read. */
final class Installation
{
    /** @return list<Finding> */
    public static function check(string $poolFiles = '/etc/php/*/fpm/pool.d/*.conf'): array
    {
        return [self::php(), self::transport(), self::protobuf(), self::apcu(), self::opcache(), ...self::pools($poolFiles)];
    }

    private static function php(): Finding
    {
        return PHP_VERSION_ID >= 80200
            ? Finding::good('PHP', PHP_VERSION)
            : Finding::bad('PHP', PHP_VERSION, 'The client needs PHP 8.2 or later.');
    }

    private static function transport(): Finding
    {
        try {
            $curl = CurlVersion::installed();
            $curl->assertUsable();
        } catch (TransportException $wrong) {
            return extension_loaded('grpc')
                ? Finding::warning('transport', 'ext-grpc ' . phpversion('grpc'), $wrong->failure->message)
                : Finding::bad('transport', 'none', $wrong->failure->message);
        }

        return Finding::good('transport', "libcurl {$curl->name} with HTTP/2"
            . ($curl->cannotReusePriorKnowledge() ? '; its fault with open connections (curl issue 10634) is worked around' : ''));
    }

    private static function protobuf(): Finding
    {
        if (extension_loaded('protobuf')) {
            return Finding::good('protobuf', 'ext-protobuf ' . phpversion('protobuf'));
        }

        return class_exists('Google\\Protobuf\\Internal\\Message')
            ? Finding::warning('protobuf', 'the PHP runtime', 'Large messages are many times faster with ext-protobuf (pecl install protobuf).')
            : Finding::bad('protobuf', 'none', 'composer require google/protobuf, or apt-get install php-google-protobuf.');
    }

    private static function apcu(): Finding
    {
        return ApcuStore::isUsable()
            ? Finding::good('APCu', (string) phpversion('apcu'))
            : Finding::warning('APCu', 'not usable here', 'Without it each PHP-FPM worker has a circuit breaker of its own: apt-get install php-apcu (in the terminal it also takes apc.enable_cli=1).');
    }

    private static function opcache(): Finding
    {
        return extension_loaded('Zend OPcache') && filter_var(ini_get('opcache.enable'), FILTER_VALIDATE_BOOL)
            ? Finding::good('OPcache', (string) phpversion('Zend OPcache'))
            : Finding::warning('OPcache', 'off', 'Every request reads the client anew from its files: apt-get install php-opcache.');
    }

    /** @return list<Finding> */
    private static function pools(string $files): array
    {
        $findings = [];
        foreach (glob($files) ?: [] as $file) {
            $settings = @parse_ini_file($file, true, INI_SCANNER_RAW) ?: [];
            foreach ($settings as $pool => $set) {
                if (!is_array($set) || !isset($set['pm.max_children'])) {
                    continue;
                }
                $text = "pool $pool: {$set['pm.max_children']} workers";
                $limit = $set['request_terminate_timeout'] ?? '0';
                $findings[] = (int) $limit > 0
                    ? Finding::good('PHP-FPM', "$text, at most $limit for a request")
                    : Finding::warning('PHP-FPM', "$text, no end to a request", "Set request_terminate_timeout above your longest withTimeout() in $file.");
            }
        }

        return $findings;
    }
}
