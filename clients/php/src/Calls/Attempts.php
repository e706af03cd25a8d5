<?php

declare(strict_types=1);

namespace Howdah\Client\Calls;

use Howdah\Client\Breaker\Breaker;
use Howdah\Client\Failure\Failure;
use Howdah\Client\Options;
use Howdah\Client\Signing\Signable;
use Howdah\Client\Transport\Exchange;
use Howdah\Client\Transport\Request;
use Howdah\Client\Transport\Status;
use Howdah\Client\Transport\Transport;

/** A call and its repetitions, read like a single exchange. Each attempt is signed anew. */
final class Attempts implements Exchange
{
    private Exchange $current;
    private int $made = 0;
    private bool $delivered = false;
    private bool $settled = false;
    private bool $recorded = false;

    /** @param \Closure(): float $random 0 to 1 */
    public function __construct(
        public readonly Call $call,
        private readonly Transport $transport,
        private readonly Options $options,
        private readonly Clock $clock,
        private readonly \Closure $random,
        private readonly RetryBudget $budget,
    ) {
        $this->attempt();
    }

    public function initialMetadata(): array
    {
        return $this->current->initialMetadata();
    }

    public function next(): ?string
    {
        do {
            $message = $this->current->next();
            // The message of a unary call counts if it is the only one, and with its status: a node that goes may
            // leave one without the other.
            if ($message !== null && ($this->call->streaming || ($this->current->next() === null && $this->current->status()->isOk()))) {
                $this->delivered = true;
                $this->recorded || $this->record(Status::ok());

                return $message;
            }
        } while ($this->triesAgain($this->current->status()));

        return null;
    }

    public function status(): Status
    {
        do {
            $status = $this->current->status();
        } while ($this->triesAgain($status));

        return $status;
    }

    public function cancel(): void
    {
        $this->settled = true;
        $this->current->cancel();
    }

    private function triesAgain(Status $status): bool
    {
        $this->recorded || $this->record($status);
        // What has been handed on cannot be taken back: a stream is never repeated after its first message.
        if ($status->isOk() || $this->delivered || $this->settled || !$this->call->repeatable) {
            return false;
        }
        $delay = $this->options->retries->delay($status, $this->made, $this->random);
        if ($delay === null || !$this->budget->allows() || ($this->call->deadline !== null && $this->clock->monotonic() + $delay >= $this->call->deadline)) {
            $this->settled = true;

            return false;
        }
        $this->options->logger->notice('howdah: call is tried again', [
            'path' => $this->call->path,
            'correlation_id' => $this->call->correlationId,
            'attempt' => $this->made,
            'delay_ms' => (int) round($delay * 1000),
            'code' => $status->code->canonicalName(),
            'reason' => Failure::fromStatus($status)->reason,
        ]);
        $this->clock->sleep($delay);
        $this->attempt();

        return true;
    }

    private function attempt(): void
    {
        $this->made++;
        $this->recorded = false;
        $wait = $this->options->breaker?->refusal($this->transport->target());
        $this->current = $wait === null ? $this->send() : $this->refused($wait);
    }

    private function send(): Exchange
    {
        $call = $this->call;
        $signature = $this->options->credentials?->sign(new Signable(
            $this->options->audience,
            $call->path,
            $call->tenant,
            $call->correlationId,
            $call->message,
        )) ?? [];

        return $this->transport->start(new Request(
            $call->path,
            $call->message,
            $signature + $call->metadata,
            $call->deadline === null ? null : $call->deadline - $this->clock->monotonic(),
            $call->streaming,
            $call->awaited,
        ));
    }

    /** The circuit is open: nothing is sent, and nothing is waited for. */
    private function refused(float $wait): Exchange
    {
        $this->settled = $this->recorded = true;

        return new Ended(Breaker::refused($this->transport->target(), $wait));
    }

    private function record(Status $status): void
    {
        $this->recorded = true;
        $status->isOk() && $this->budget->succeeded();
        if ($this->options->breaker?->record($this->transport->target(), $status) === true) {
            $this->options->logger->warning('howdah: the node is left alone for a moment', [
                'target' => $this->transport->target(),
                'code' => $status->code->canonicalName(),
                'correlation_id' => $this->call->correlationId,
            ]);
        }
    }
}
