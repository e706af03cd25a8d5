<?php

declare(strict_types=1);

namespace Howdah\Client\Transport\Curl;

use Howdah\Client\Code;
use Howdah\Client\Transport\Exchange;
use Howdah\Client\Transport\Status;

/** One request on a curl handle. An exchange that nobody holds any more is cancelled. */
final class CurlExchange implements Exchange
{
    /** @param float|null $deadline in seconds of the monotonic clock */
    public function __construct(
        private readonly Connections $connections,
        private readonly Inbox $inbox,
        private ?Line $line,
        private readonly ?float $deadline,
    ) {
    }

    public function __destruct()
    {
        $this->cancel();
    }

    public function initialMetadata(): array
    {
        while (!$this->inbox->headersDone && !$this->isOver()) {
            $this->advance();
        }

        $headers = $this->inbox->headers();

        // Trailers where the headers should be are no initial metadata.
        return isset($headers['grpc-status']) ? [] : $headers;
    }

    public function next(): ?string
    {
        while ($this->inbox->isEmpty()) {
            if ($this->isOver()) {
                return null;
            }
            $this->advance();
        }
        $message = $this->inbox->take();
        if ($message instanceof Status) {
            // It counts even where the node has said OK already.
            $this->inbox->status = null;
            $this->end($message);

            return null;
        }

        return $message;
    }

    public function status(): Status
    {
        while (!$this->isOver()) {
            $this->inbox->discard();
            $this->advance();
        }

        return $this->inbox->status ?? new Status(Code::Unknown);
    }

    public function cancel(): void
    {
        $this->inbox->status === null && $this->end(new Status(Code::Cancelled, 'The call was cancelled by the caller.'));
    }

    private function isOver(): bool
    {
        if ($this->inbox->status !== null) {
            // The line has been taken back.
            $this->line = null;
        }

        return $this->inbox->status !== null;
    }

    private function advance(): void
    {
        $this->connections->drive($this->inbox, $this->deadline);
        if ($this->inbox->status === null && $this->deadline !== null && hrtime(true) / 1e9 >= $this->deadline) {
            $this->end(new Status(Code::DeadlineExceeded, 'The deadline passed before the answer was there.'));
        }
    }

    private function end(Status $status): void
    {
        if ($this->inbox->status === null) {
            $this->inbox->status = $status;
            $this->line === null || $this->connections->release($this->line, true);
        }
        $this->line = null;
    }
}
