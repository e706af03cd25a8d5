<?php

declare(strict_types=1);

namespace Howdah\Client\Transport;

use Howdah\Client\Code;

/** How an attempt ended. */
final readonly class Status
{
    /**
     * @param array<string, list<string>> $metadata     the trailing metadata
     * @param string                      $reason       a reason of this client's own
     * @param int|null                    $retryAfterMs when to come back, where this client itself says so
     */
    public function __construct(
        public Code $code,
        public string $message = '',
        public array $metadata = [],
        public string $reason = '',
        public ?int $retryAfterMs = null,
    ) {
    }

    /** The status of a call that went well and of which nothing else was said. */
    public static function ok(): self
    {
        static $ok = new self(Code::Ok);

        return $ok;
    }

    public function isOk(): bool
    {
        return $this->code === Code::Ok;
    }
}
