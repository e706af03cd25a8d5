<?php

declare(strict_types=1);

namespace Howdah\Client\Calls;

/** Makes random ids. */
final class Uuid
{
    public static function isValid(string $text): bool
    {
        return preg_match('/\A[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\z/i', $text) === 1;
    }

    /** A UUID of version 4. */
    public static function random(): string
    {
        $digits = bin2hex(random_bytes(16));
        $digits[12] = '4';
        $digits[16] = '89ab'[hexdec($digits[16]) & 3];

        return substr($digits, 0, 8) . '-' . substr($digits, 8, 4) . '-' . substr($digits, 12, 4) . '-' . substr($digits, 16, 4) . '-' . substr($digits, 20);
    }
}
