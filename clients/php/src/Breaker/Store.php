<?php

declare(strict_types=1);

namespace Howdah\Client\Breaker;

/** Numbers under names, shared by whoever should know of the same breaker. */
interface Store
{
    public function get(string $name): ?float;

    /** Keeps a number for at least so many seconds. */
    public function set(string $name, float $value, int $seconds): void;

    /** Sets a number where there is none. True for one of those who try at once. */
    public function add(string $name, float $value, int $seconds): bool;

    /** Adds one; the number begins anew when the seconds since the first have passed. */
    public function increment(string $name, int $seconds): int;

    public function remove(string $name): void;
}
