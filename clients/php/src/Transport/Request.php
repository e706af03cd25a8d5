<?php

declare(strict_types=1);

namespace Howdah\Client\Transport;

/** What one attempt sends. */
final readonly class Request
{
    /**
     * @param string                      $path      such as `/howdah.jobs.v1.JobsService/GetJob`
     * @param string                      $message   the serialised request message
     * @param array<string, list<string>> $metadata  values of `-bin` keys are raw bytes
     * @param float|null                  $timeout   seconds until it counts as DEADLINE_EXCEEDED; null waits for ever
     * @param bool                        $streaming whether the answer may have many messages
     * @param bool                        $awaited   the caller does nothing else until the answer is there
     */
    public function __construct(
        public string $path,
        public string $message,
        public array $metadata = [],
        public ?float $timeout = null,
        public bool $streaming = false,
        public bool $awaited = false,
    ) {
    }
}
