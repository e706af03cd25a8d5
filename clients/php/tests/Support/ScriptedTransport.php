<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Support;

use Howdah\Client\Transport\Exchange;
use Howdah\Client\Transport\Request;
use Howdah\Client\Transport\Status;
use Howdah\Client\Transport\Transport;

/** Answers attempts with what was laid out for them, in order. */
final class ScriptedTransport implements Transport
{
    /** @var list<Request> */
    public array $requests = [];

    /** @param list<array{list<string>, Status}> $script messages and status of each attempt; the last one repeats */
    public function __construct(private array $script)
    {
    }

    public function start(Request $request): Exchange
    {
        $this->requests[] = $request;
        [$messages, $status] = count($this->script) > 1 ? array_shift($this->script) : $this->script[0];

        return new class ($messages, $status) implements Exchange {
            /** @param list<string> $messages */
            public function __construct(private array $messages, private Status $status)
            {
            }

            public function initialMetadata(): array
            {
                return [];
            }

            public function next(): ?string
            {
                return array_shift($this->messages);
            }

            public function status(): Status
            {
                return $this->status;
            }

            public function cancel(): void
            {
            }
        };
    }

    public function target(): string
    {
        return 'script';
    }

    public function close(): void
    {
    }
}
