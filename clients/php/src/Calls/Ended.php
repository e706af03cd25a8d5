<?php

declare(strict_types=1);

namespace Howdah\Client\Calls;

use Howdah\Client\Transport\Exchange;
use Howdah\Client\Transport\Status;

/** An exchange that is over: with the messages it was given, and a status. */
final class Ended implements Exchange
{
    /** @param list<string> $messages */
    public function __construct(private readonly Status $status, private array $messages = [])
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
}
