<?php

declare(strict_types=1);

namespace Howdah\Client\Breaker;

use Howdah\Client\Calls\Clock;
use Howdah\Client\Calls\SystemClock;

/** Keeps numbers in this process alone. */
final class MemoryStore implements Store
{
    /** @var array<string, array{float, float}> value, and when it ends */
    private array $kept = [];

    public function __construct(private readonly Clock $clock = new SystemClock())
    {
    }

    public function get(string $name): ?float
    {
        if (!isset($this->kept[$name])) {
            return null;
        }
        [$value, $end] = $this->kept[$name];

        return $this->clock->monotonic() < $end ? $value : null;
    }

    public function set(string $name, float $value, int $seconds): void
    {
        $this->kept[$name] = [$value, $this->clock->monotonic() + $seconds];
    }

    public function add(string $name, float $value, int $seconds): bool
    {
        if ($this->get($name) !== null) {
            return false;
        }
        $this->set($name, $value, $seconds);

        return true;
    }

    public function increment(string $name, int $seconds): int
    {
        $value = $this->get($name);
        if ($value === null) {
            $this->set($name, 1, $seconds);

            return 1;
        }
        $this->kept[$name][0] = $value + 1;

        return (int) $value + 1;
    }

    public function remove(string $name): void
    {
        unset($this->kept[$name]);
    }
}
