<?php

declare(strict_types=1);

namespace Howdah\Client\Testing;

use Google\Protobuf\Internal\Message;

/** One attempt as the fake node received it. */
final readonly class RecordedCall
{
    /** @param array<string, list<string>> $metadata */
    public function __construct(
        public string $method,
        public Message $request,
        public string $tenant,
        public array $metadata,
    ) {
    }
}
