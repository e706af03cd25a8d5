<?php

declare(strict_types=1);

namespace Howdah\Client\Transport\Extension;

use Howdah\Client\Code;
use Howdah\Client\Transport\Exchange;
use Howdah\Client\Transport\Status;

/** One request on a call of ext-grpc. */
final class ExtensionExchange implements Exchange
{
    /** @var array<string, list<string>>|null */
    private ?array $initialMetadata = null;
    private ?Status $status = null;
    private bool $drained = false;

    public function __construct(private readonly \Grpc\Call $call)
    {
    }

    public function __destruct()
    {
        if ($this->status === null) {
            $this->call->cancel();
        }
    }

    public function initialMetadata(): array
    {
        return $this->initialMetadata ??= (array) $this->call->startBatch([\Grpc\OP_RECV_INITIAL_METADATA => true])->metadata;
    }

    public function next(): ?string
    {
        if ($this->drained) {
            return null;
        }
        $this->initialMetadata();
        $message = $this->call->startBatch([\Grpc\OP_RECV_MESSAGE => true])->message;
        $this->drained = $message === null;

        return $message;
    }

    public function status(): Status
    {
        while ($this->status === null && $this->next() !== null) {
            // Messages that nobody wants.
        }
        if ($this->status === null) {
            $status = $this->call->startBatch([\Grpc\OP_RECV_STATUS_ON_CLIENT => true])->status;
            $this->status = new Status(Code::of($status->code), (string) $status->details, (array) $status->metadata);
        }

        return $this->status;
    }

    public function cancel(): void
    {
        $this->call->cancel();
    }
}
