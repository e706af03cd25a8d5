<?php

declare(strict_types=1);

namespace Howdah\Client\Failure;

/**
 * Reads the fields of a serialised protobuf message without its classes. `google.rpc` is read with it,
 * so that this package does not bring classes that clash with google/common-protos.
 */
final class WireReader
{
    /**
     * Fields in the order of the bytes: number and value. Length-delimited values are strings, others integers.
     *
     * @return list<array{int, string|int}>
     *
     * @throws \UnexpectedValueException where the bytes are no message
     */
    public static function fields(string $bytes): array
    {
        $fields = [];
        $offset = 0;
        $end = strlen($bytes);
        while ($offset < $end) {
            $tag = self::varint($bytes, $offset);
            $number = $tag >> 3;
            if ($number < 1) {
                throw new \UnexpectedValueException('A field has no number.');
            }
            $fields[] = [$number, match ($tag & 7) {
                0 => self::varint($bytes, $offset),
                1 => unpack('P', self::take($bytes, $offset, 8))[1],
                2 => self::take($bytes, $offset, self::varint($bytes, $offset)),
                5 => unpack('V', self::take($bytes, $offset, 4))[1],
                default => throw new \UnexpectedValueException('A field has a wire type that is not used any more.'),
            }];
        }

        return $fields;
    }

    /** The last string of this number, as proto3 has it; empty where there is none. */
    public static function string(string $bytes, int $number): string
    {
        $strings = self::strings($bytes, $number);

        return $strings === [] ? '' : $strings[array_key_last($strings)];
    }

    /** @return list<string> */
    public static function strings(string $bytes, int $number): array
    {
        $found = [];
        foreach (self::fields($bytes) as [$field, $value]) {
            if ($field === $number && is_string($value)) {
                $found[] = $value;
            }
        }

        return $found;
    }

    public static function integer(string $bytes, int $number): int
    {
        $found = 0;
        foreach (self::fields($bytes) as [$field, $value]) {
            if ($field === $number && is_int($value)) {
                $found = $value;
            }
        }

        return $found;
    }

    /** @return array<string, string> */
    public static function stringMap(string $bytes, int $number): array
    {
        $map = [];
        foreach (self::strings($bytes, $number) as $entry) {
            $map[self::string($entry, 1)] = self::string($entry, 2);
        }

        return $map;
    }

    private static function varint(string $bytes, int &$offset): int
    {
        $value = 0;
        for ($shift = 0; $shift < 70; $shift += 7) {
            $byte = ord(self::take($bytes, $offset, 1));
            // Bits beyond 64 fall away, which makes ten bytes a negative number, as they are meant.
            $value |= ($byte & 0x7F) << $shift;
            if ($byte < 0x80) {
                return $value;
            }
        }
        throw new \UnexpectedValueException('A number is longer than ten bytes.');
    }

    private static function take(string $bytes, int &$offset, int $length): string
    {
        if ($length < 0 || $length > strlen($bytes) - $offset) {
            throw new \UnexpectedValueException('The message ends in the middle of a field.');
        }
        $piece = substr($bytes, $offset, $length);
        $offset += $length;

        return $piece;
    }
}
