<?php

declare(strict_types=1);

namespace Howdah\Client\Transport;

/** Bounds of what a connection takes. */
final readonly class Limits
{
    /**
     * @param float $connectTimeout  seconds until a connection must stand
     * @param int   $maxSendBytes    size of a request message; larger ones are not sent
     * @param int   $maxReceiveBytes size of an answer message, also after decompression
     */
    public function __construct(
        public float $connectTimeout = 2.0,
        public int $maxSendBytes = 16 * 1024 * 1024,
        public int $maxReceiveBytes = 16 * 1024 * 1024,
    ) {
    }
}
