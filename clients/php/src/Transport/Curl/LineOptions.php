<?php

declare(strict_types=1);

namespace Howdah\Client\Transport\Curl;

use Howdah\Client\Transport\Endpoint;
use Howdah\Client\Transport\Limits;
use Howdah\Client\Transport\Tls;

/** What every curl handle to one node has in common. */
final class LineOptions
{
    /** @return array<int, mixed> */
    public static function of(Endpoint $endpoint, Limits $limits, string $userAgent): array
    {
        $options = [
            // An upload fed by a callback cannot be rewound: once bytes of it are out, libcurl does not
            // silently send it again on another connection, as it does with a POST it holds whole.
            CURLOPT_UPLOAD => true,
            CURLOPT_CUSTOMREQUEST => 'POST',
            CURLOPT_USERAGENT => $userAgent,
            CURLOPT_CONNECTTIMEOUT_MS => max(1, (int) round($limits->connectTimeout * 1000)),
            CURLOPT_PROXY => '',
            CURLOPT_PROTOCOLS => CURLPROTO_HTTP | CURLPROTO_HTTPS,
            CURLOPT_NOSIGNAL => true,
            CURLOPT_TCP_KEEPALIVE => true,
            CURLOPT_TCP_KEEPIDLE => 30,
            CURLOPT_TCP_KEEPINTVL => 10,
            CURLOPT_BUFFERSIZE => 64 * 1024,
        ];
        if ($endpoint->socketPath !== null) {
            $options[CURLOPT_UNIX_SOCKET_PATH] = $endpoint->socketPath;
        }

        return $options + ($endpoint->tls === null ? [] : self::tls($endpoint->tls));
    }

    /** @return array<int, mixed> */
    private static function tls(Tls $tls): array
    {
        $options = [CURLOPT_SSL_VERIFYPEER => true, CURLOPT_SSL_VERIFYHOST => 2, CURLOPT_SSLVERSION => CURL_SSLVERSION_TLSv1_2];
        foreach ([
            [$tls->authority, CURLOPT_CAINFO, CURLOPT_CAINFO_BLOB],
            [$tls->certificate, CURLOPT_SSLCERT, CURLOPT_SSLCERT_BLOB],
            [$tls->privateKey, CURLOPT_SSLKEY, CURLOPT_SSLKEY_BLOB],
        ] as [$value, $asFile, $asText]) {
            if ($value !== null) {
                $options[Tls::isPem($value) ? $asText : $asFile] = $value;
            }
        }

        return $options;
    }
}
