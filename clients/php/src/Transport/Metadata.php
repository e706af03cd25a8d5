<?php

declare(strict_types=1);

namespace Howdah\Client\Transport;

use Howdah\Client\Exception\ConfigurationException;

/** Turns metadata into header lines and back. */
final class Metadata
{
    /**
     * Checks names and values and gives every name a list.
     *
     * @param array<string, string|list<string>> $metadata
     *
     * @return array<string, list<string>>
     */
    public static function normalise(array $metadata): array
    {
        $clean = [];
        foreach ($metadata as $name => $values) {
            $name = strtolower((string) $name);
            if (preg_match('/\A[0-9a-z_.-]+\z/', $name) !== 1 || str_starts_with($name, 'grpc-')) {
                throw ConfigurationException::because(sprintf(
                    'Metadata cannot be named "%s": letters, digits, "_", "-" and "." only, and not "grpc-…".',
                    addcslashes($name, "\0..\37\177..\377"),
                ));
            }
            foreach ((array) $values as $value) {
                $clean[$name][] = self::checked($name, (string) $value);
            }
        }

        return $clean;
    }

    /** One line of a request. */
    public static function headerLine(string $name, string $value): string
    {
        if (str_ends_with($name, '-bin')) {
            return $name . ': ' . rtrim(base64_encode($value), '=');
        }

        // curl drops a header that ends in a colon; a semicolon asks it to send an empty value.
        return $value === '' ? $name . ';' : $name . ': ' . $value;
    }

    /**
     * Reads one received value. A `-bin` header may carry several, joined by commas.
     *
     * @return list<string>
     */
    public static function decode(string $name, string $value): array
    {
        if (!str_ends_with($name, '-bin')) {
            return [$value];
        }
        $decoded = [];
        foreach (explode(',', $value) as $part) {
            $bytes = base64_decode(trim($part), true);
            if ($bytes !== false) {
                $decoded[] = $bytes;
            }
        }

        return $decoded;
    }

    private static function checked(string $name, string $value): string
    {
        // Anything but printable ASCII could end the header and begin another one.
        if (!str_ends_with($name, '-bin') && preg_match('/\A[\x20-\x7e]*\z/', $value) !== 1) {
            throw ConfigurationException::because(
                sprintf('The metadata value of "%s" must be printable ASCII; use a name that ends in "-bin" for bytes.', $name),
            );
        }

        return $value;
    }
}
