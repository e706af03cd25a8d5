<?php

declare(strict_types=1);

namespace Howdah\Client\Transport;

use Howdah\Client\Code;

/** How an attempt ended. */
final readonly class Status
{
    /** @param array<string, list<string>> $metadata the trailing metadata */
    public function __construct(
        public Code $code,
        public string $message = '',
        public array $metadata = [],
    ) {
    }

    public function isOk(): bool
    {
        return $this->code === Code::Ok;
    }
}
