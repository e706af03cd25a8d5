<?php

declare(strict_types=1);

namespace Howdah\Client\Breaker;

use Howdah\Client\Code;
use Howdah\Client\Exception\CircuitOpen;
use Howdah\Client\Failure\Failure;
use Howdah\Client\Transport\Status;

/**
 * Stops calling a node that keeps failing, so that pages fail at once instead of waiting, and lets one call
 * through from time to time to see whether it is back.
 */
final readonly class Breaker
{
    /** Limits of one tenant, which say nothing about the node. */
    private const OF_THE_TENANT = ['RATE_LIMITED', 'TENANT_QUEUE_FULL'];

    private Store $store;

    /**
     * @param Store|null             $store    who knows of it; the workers of this PHP-FPM where APCu is there, else this process
     * @param int                    $failures in a row, within the window, that open it
     * @param int                    $window   seconds
     * @param float                  $pause    seconds until one call is let through
     * @param (\Closure(): float)|null $now    seconds since 1970
     */
    public function __construct(
        ?Store $store = null,
        private int $failures = 5,
        private int $window = 10,
        private float $pause = 5.0,
        private ?\Closure $now = null,
    ) {
        $this->store = $store ?? (ApcuStore::isUsable() ? new ApcuStore() : new MemoryStore());
    }

    /** Null where a call may be made; otherwise the seconds until one may. */
    public function refusal(string $target): ?float
    {
        if ($this->store->get(self::name($target, 'until')) === null) {
            return null;
        }

        // Half open: one call is let through. Should its process die, another one is after the pause.
        return $this->pauseLeft($target)
            ?? ($this->store->add(self::name($target, 'probe'), $this->now(), $this->seconds()) ? null : min(1.0, $this->pause));
    }

    /** The same for whoever asks and makes no call: it does not use up the one that is let through. */
    public function pauseLeft(string $target): ?float
    {
        $until = $this->store->get(self::name($target, 'until'));
        if ($until === null) {
            return null;
        }
        $left = $until - $this->now();

        return match (true) {
            $left > 0 => $left,
            $this->store->get(self::name($target, 'probe')) !== null => min(1.0, $this->pause),
            default => null,
        };
    }

    /** What a call that is refused ends with: nothing is sent, and nothing is waited for. */
    public static function refused(string $target, float $wait): Status
    {
        return new Status(
            Code::Unavailable,
            sprintf('%s failed several times in a row and is left alone for %.1f s.', $target, $wait),
            reason: CircuitOpen::REASON,
            retryAfterMs: (int) ceil($wait * 1000),
        );
    }

    /** Tells what became of a call that was let through. Returns true where that opened the breaker. */
    public function record(string $target, Status $status): bool
    {
        if (!self::counts($status)) {
            // It answered: the node is there, whatever it said.
            $status->code === Code::Cancelled || $this->close($target);

            return false;
        }
        $isProbe = $this->store->get(self::name($target, 'until')) !== null;
        if (!$isProbe && $this->store->increment(self::name($target, 'failures'), $this->window) < $this->failures) {
            return false;
        }
        // Kept for longer than the pause: what ends it is a call that succeeds.
        $this->store->set(self::name($target, 'until'), $this->now() + $this->pause, $this->seconds() * 20);
        $this->store->remove(self::name($target, 'probe'));
        $this->store->remove(self::name($target, 'failures'));

        return true;
    }

    /** Whether a failure is the node's. What the caller did wrong never opens the breaker. */
    private static function counts(Status $status): bool
    {
        return match ($status->code) {
            Code::Unavailable, Code::DeadlineExceeded, Code::Internal => true,
            Code::ResourceExhausted => self::isOverload(Failure::fromStatus($status)),
            default => false,
        };
    }

    private static function isOverload(Failure $failure): bool
    {
        // Without a time to come back at, it was the message that was too large.
        return $failure->retryAfterMs !== null && !in_array($failure->reason, self::OF_THE_TENANT, true);
    }

    private function close(string $target): void
    {
        foreach (['failures', 'until'] as $what) {
            if ($this->store->get(self::name($target, $what)) !== null) {
                $this->store->remove(self::name($target, $what));
                $this->store->remove(self::name($target, 'probe'));
            }
        }
    }

    private function seconds(): int
    {
        return max(1, (int) ceil($this->pause));
    }

    private function now(): float
    {
        return $this->now === null ? microtime(true) : ($this->now)();
    }

    /** Without the characters that PSR-16 keeps for itself. */
    private static function name(string $target, string $what): string
    {
        return 'howdah.' . $what . '.' . strtr($target, '{}()/\\@:', '........');
    }
}
