<?php

declare(strict_types=1);

namespace Howdah\Client\Doctor;

use Howdah\Client\Breaker\ApcuStore;
use Howdah\Client\Exception\TransportException;
use Howdah\Client\Transport\Curl\CurlVersion;

/** Looks at this PHP: versions and extensions. */
final class Installation
{
    /** @return list<Finding> */
    public static function check(): array
    {
        return [self::php(), self::transport(), self::protobuf(), self::apcu(), self::opcache()];
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
        return match (true) {
            ApcuStore::isUsable() => Finding::good('APCu', (string) phpversion('apcu')),
            extension_loaded('apcu') && PHP_SAPI === 'cli' => Finding::good('APCu', phpversion('apcu') . ', which is off in the terminal as usual (apc.enable_cli)'),
            default => Finding::warning('APCu', 'not usable here', 'Without it the circuit breaker never opens under PHP-FPM: apt-get install php-apcu.'),
        };
    }

    private static function opcache(): Finding
    {
        return extension_loaded('Zend OPcache') && filter_var(ini_get('opcache.enable'), FILTER_VALIDATE_BOOL)
            ? Finding::good('OPcache', (string) phpversion('Zend OPcache'))
            : Finding::warning('OPcache', 'off', 'Every request reads the client anew from its files: apt-get install php-opcache.');
    }
}
