<?php

declare(strict_types=1);

namespace Howdah\Client\Breaker;

/** Shares numbers between the workers of one PHP-FPM through APCu. */
final readonly class ApcuStore implements Store
{
    public static function isUsable(): bool
    {
        return function_exists('apcu_enabled') && apcu_enabled();
    }

    public function get(string $name): ?float
    {
        $value = apcu_fetch($name);

        return is_int($value) || is_float($value) ? (float) $value : null;
    }

    public function set(string $name, float $value, int $seconds): void
    {
        apcu_store($name, $value, $seconds);
    }

    public function add(string $name, float $value, int $seconds): bool
    {
        return apcu_add($name, $value, $seconds) === true;
    }

    public function increment(string $name, int $seconds): int
    {
        return (int) apcu_inc($name, 1, $success, $seconds);
    }

    public function remove(string $name): void
    {
        apcu_delete($name);
    }
}
