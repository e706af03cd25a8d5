<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Guide;

use Psr\SimpleCache\CacheInterface;

/** A cache of PSR-16 in memory. */
final class ArrayCache implements CacheInterface
{
    /** @var array<string, mixed> */
    private array $kept = [];

    public function get($key, $default = null): mixed
    {
        return $this->kept[$key] ?? $default;
    }

    public function set($key, $value, $ttl = null): bool
    {
        $this->kept[$key] = $value;

        return true;
    }

    public function delete($key): bool
    {
        unset($this->kept[$key]);

        return true;
    }

    public function clear(): bool
    {
        $this->kept = [];

        return true;
    }

    public function getMultiple($keys, $default = null): iterable
    {
        foreach ($keys as $key) {
            yield $key => $this->get($key, $default);
        }
    }

    public function setMultiple($values, $ttl = null): bool
    {
        foreach ($values as $key => $value) {
            $this->set($key, $value);
        }

        return true;
    }

    public function deleteMultiple($keys): bool
    {
        foreach ($keys as $key) {
            $this->delete($key);
        }

        return true;
    }

    public function has($key): bool
    {
        return isset($this->kept[$key]);
    }
}
