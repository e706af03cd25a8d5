<?php

declare(strict_types=1);

namespace Howdah\Client\Calls;

use Howdah\Client\Transport\Metadata;

/** One call as its caller sees it, however many attempts it takes. */
final readonly class Call
{
    /**
     * @param string                      $message    the serialised request: these bytes are signed and sent
     * @param array<string, list<string>> $metadata   what is sent besides the credential
     * @param float|null                  $deadline   in seconds of the monotonic clock, for all attempts together
     * @param bool                        $repeatable whether a second attempt can do no harm
     * @param bool                        $streaming  whether the answer may have many messages
     * @param bool                        $awaited    the caller does nothing else until the answer is there
     */
    public function __construct(
        public string $path,
        public string $message,
        public array $metadata,
        public string $tenant,
        public string $correlationId,
        public ?float $deadline,
        public bool $repeatable,
        public bool $streaming = false,
        public bool $awaited = false,
    ) {
    }

    /** The same call with one more value of metadata, for middleware. */
    public function withMetadata(string $name, string $value): self
    {
        $changes = ['metadata' => Metadata::normalise([$name => $value]) + $this->metadata];

        return new self(...array_replace(get_object_vars($this), $changes));
    }
}
