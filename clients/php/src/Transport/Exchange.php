<?php

declare(strict_types=1);

namespace Howdah\Client\Transport;

/** One request under way: metadata, then messages, then a status. Each method waits for what it returns. */
interface Exchange
{
    /** @return array<string, list<string>> the metadata that came before the first message */
    public function initialMetadata(): array;

    /** The bytes of the next message, or null when there are no more. */
    public function next(): ?string;

    /** How it ended. Messages that were not read are thrown away. */
    public function status(): Status;

    /** Gives up; the node is told. Does nothing when it has ended. */
    public function cancel(): void;
}
