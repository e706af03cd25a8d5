<?php

declare(strict_types=1);

namespace Howdah\Client\Files;

/** The header that names a file for a browser (RFC 6266), also where the name is not ASCII (RFC 8187). */
final class ContentDisposition
{
    /** Control characters, and those that turn the direction of text and so hide a name's true end. */
    private const UNSEEN = '/[\p{Cc}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2066}-\x{2069}]/u';

    /** @param bool $inline shown in the browser, instead of stored */
    public static function of(string $filename, bool $inline = false): string
    {
        $name = self::clean($filename);
        // A percent sign is left out here: some browsers decode it.
        $plain = (string) preg_replace('/[^ -~]|["%\\\\]/u', '_', $name);
        $header = ($inline ? 'inline' : 'attachment') . '; filename="' . $plain . '"';

        return $plain === $name ? $header : $header . "; filename*=UTF-8''" . rawurlencode($name);
    }

    private static function clean(string $filename): string
    {
        $name = preg_match('//u', $filename) === 1 ? $filename : (string) preg_replace('/[^ -~]/', '_', $filename);
        $name = trim((string) preg_replace([self::UNSEEN, '#[/\\\\]#'], ['', '_'], $name));

        return trim($name, '.') === '' ? 'download' : $name;
    }
}
