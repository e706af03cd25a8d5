<?php

declare(strict_types=1);

namespace Howdah\Client\Calls;

use Howdah\Client\Code;
use Howdah\Client\Failure\Failure;
use Howdah\Client\Transport\Status;

/** Decides whether a failed attempt is followed by another, and after how long. */
final readonly class Retries
{
    /**
     * @param int   $count     attempts after the first; 0 never tries again
     * @param float $baseDelay seconds; the longest wait before the first retry, doubled for each one after
     * @param float $maxDelay  seconds; the longest wait there is, unless the node asks for more
     */
    public function __construct(
        public int $count = 3,
        public float $baseDelay = 0.1,
        public float $maxDelay = 2.0,
    ) {
    }

    /**
     * Seconds to wait before the next attempt, or null where there must be none.
     *
     * @param int                    $made   attempts made so far
     * @param \Closure(): float      $random 0 to 1
     */
    public function delay(Status $status, int $made, \Closure $random): ?float
    {
        if ($made > $this->count) {
            return null;
        }
        $asked = Failure::fromStatus($status)->retryAfterMs;
        $pushback = $status->metadata['grpc-retry-pushback-ms'][0] ?? null;
        if ($pushback !== null) {
            // Anything but a number of milliseconds means: do not try again.
            if (!ctype_digit($pushback)) {
                return null;
            }
            $asked = max((int) $pushback, $asked ?? 0);
        }
        $allowed = $status->code === Code::Unavailable || ($status->code === Code::ResourceExhausted && $asked !== null);
        if (!$allowed) {
            return null;
        }

        // Full jitter: callers that failed together must not come back together.
        return $asked !== null
            ? $asked / 1000 + $random() * $this->baseDelay
            : $random() * min($this->maxDelay, $this->baseDelay * 2 ** ($made - 1));
    }
}
