<?php

declare(strict_types=1);

namespace Howdah\Client\Transport;

use Howdah\Client\Exception\ConfigurationException;

/** Where a node listens, read from one of the usual ways to write it. */
final readonly class Endpoint
{
    private function __construct(
        public string $address,
        public string $authority,
        public ?string $socketPath,
        public ?Tls $tls,
    ) {
    }

    /**
     * Reads `host:port`, `http://host:port`, `https://host:port`, `dns:///host:port` or `unix:/path`.
     * `https` is TLS; so is any address for which certificates are given.
     */
    public static function parse(string $address, ?Tls $tls = null): self
    {
        $text = trim($address);
        if (str_starts_with($text, 'unix:')) {
            $path = (string) preg_replace('#\A//(?=/)#', '', substr($text, 5));
            if ($path === '' || $path[0] === '@') {
                throw ConfigurationException::because("\"$address\" names no socket: write unix:/path/to/socket.");
            }

            return new self($text, 'localhost', $path, $tls);
        }
        $scheme = '';
        if (preg_match('#\A(https?|dns):(?://)?/?(?=[^/])(.*)\z#s', $text, $found) === 1) {
            [, $scheme, $text] = $found;
        }
        $text = rtrim($text, '/');
        if (preg_match('/\A(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})\z/', $text, $found) !== 1 || (int) $found[2] > 65535) {
            throw ConfigurationException::because(
                "\"$address\" is no address: write host:port, https://host:port or unix:/path.",
            );
        }

        return new self($address, $text, null, $scheme === 'https' ? $tls ?? new Tls() : $tls);
    }

    /** The beginning of every URL on it. */
    public function baseUrl(): string
    {
        return ($this->tls === null ? 'http://' : 'https://') . $this->authority;
    }
}
