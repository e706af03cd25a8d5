<?php

declare(strict_types=1);

namespace Howdah\Client\Transport;

use Howdah\Client\Exception\ConfigurationException;
use Howdah\Client\Exception\TransportException;
use Howdah\Client\Transport\Curl\CurlTransport;
use Howdah\Client\Transport\Extension\ExtensionTransport;

/** Chooses what carries the calls. */
final class Transports
{
    public const USER_AGENT = 'howdah-php/0.1';

    /**
     * @param string $choice `curl`, `grpc` (the extension), or `auto`: curl where it is loaded, else the extension
     *
     * @throws TransportException where neither is there
     */
    public static function open(Endpoint $endpoint, Limits $limits, string $choice = 'auto'): Transport
    {
        $useExtension = match ($choice) {
            'curl' => false,
            'grpc' => true,
            'auto' => !extension_loaded('curl') && extension_loaded('grpc'),
            default => throw ConfigurationException::because("\"$choice\" is no transport: auto, curl or grpc."),
        };

        return $useExtension
            ? new ExtensionTransport($endpoint, $limits, self::USER_AGENT)
            : new CurlTransport($endpoint, $limits, self::USER_AGENT);
    }
}
