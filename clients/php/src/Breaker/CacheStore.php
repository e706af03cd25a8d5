<?php

declare(strict_types=1);

namespace Howdah\Client\Breaker;

use Psr\SimpleCache\CacheInterface;

/** Shares numbers through any PSR-16 cache. Such a cache cannot count for many at once: a failure may go uncounted. */
final readonly class CacheStore implements Store
{
    public function __construct(private CacheInterface $cache)
    {
    }

    public function get(string $name): ?float
    {
        $value = $this->cache->get($name);

        return is_numeric($value) ? (float) $value : null;
    }

    public function set(string $name, float $value, int $seconds): void
    {
        $this->cache->set($name, $value, $seconds);
    }

    public function add(string $name, float $value, int $seconds): bool
    {
        return $this->get($name) === null && $this->cache->set($name, $value, $seconds);
    }

    public function increment(string $name, int $seconds): int
    {
        $value = (int) $this->get($name) + 1;
        $this->cache->set($name, $value, $seconds);

        return $value;
    }

    public function remove(string $name): void
    {
        $this->cache->delete($name);
    }
}
