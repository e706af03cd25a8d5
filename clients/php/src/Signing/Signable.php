<?php

declare(strict_types=1);

namespace Howdah\Client\Signing;

/** The parts of a call that a signature covers. */
final readonly class Signable
{
    /** @param string $message the very bytes that are sent: protobuf has more than one way to write a message */
    public function __construct(
        public string $audience,
        public string $path,
        public string $tenant,
        public string $correlationId,
        public string $message,
    ) {
    }
}
