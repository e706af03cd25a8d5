<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Support;

use Howdah\Client\Code;
use Howdah\Client\Transport\Status;

/** Builds statuses with google.rpc details, as the node sends them. */
final class Statuses
{
    /** @param array<string, string> $metadata */
    public static function of(Code $code, ?int $retryMs = null, array $metadata = [], string $reason = ''): Status
    {
        $details = '';
        if ($reason !== '') {
            $details .= self::any('ErrorInfo', self::field(1, $reason) . self::field(2, 'howdah'));
        }
        if ($retryMs !== null) {
            $duration = "\x08" . self::varint(intdiv($retryMs, 1000)) . "\x10" . self::varint($retryMs % 1000 * 1_000_000);
            $details .= self::any('RetryInfo', self::field(1, $duration));
        }
        if ($details !== '') {
            $metadata['grpc-status-details-bin'] = "\x08" . self::varint($code->value) . $details;
        }

        return new Status($code, 'as scripted', array_map(static fn (string $value): array => [$value], $metadata));
    }

    public static function any(string $type, string $bytes): string
    {
        return self::field(3, self::field(1, 'type.googleapis.com/google.rpc.' . $type) . self::field(2, $bytes));
    }

    public static function field(int $number, string $bytes): string
    {
        return chr($number << 3 | 2) . self::varint(strlen($bytes)) . $bytes;
    }

    private static function varint(int $value): string
    {
        $bytes = '';
        while ($value > 0x7F) {
            $bytes .= chr($value & 0x7F | 0x80);
            $value >>= 7;
        }

        return $bytes . chr($value);
    }
}
