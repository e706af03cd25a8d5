<?php

declare(strict_types=1);

namespace Howdah\Client\Failure;

use Howdah\Client\Code;
use Howdah\Client\Contract\Reason;
use Howdah\Client\Exception;
use Howdah\Client\Transport\Status;
use Howdah\Common\V1\Error;

/** Everything that is known of why something failed. */
final readonly class Failure
{
    /**
     * @param array<string, string> $metadata
     * @param list<FieldViolation>  $fields
     */
    public function __construct(
        public Code $code,
        public string $message,
        public string $reason = '',
        public array $metadata = [],
        public array $fields = [],
        public string $correlationId = '',
        public ?int $retryAfterMs = null,
    ) {
    }

    public static function fromStatus(Status $status, string $correlationId = ''): self
    {
        $details = StatusDetails::decode($status->metadata['grpc-status-details-bin'][0] ?? '');

        return new self(
            $status->code,
            $status->message !== '' ? $status->message : $details->message,
            $details->reason !== '' ? $details->reason : $status->reason,
            $details->metadata,
            $details->fields,
            $details->correlationId !== '' ? $details->correlationId : $correlationId,
            $details->retryAfterMs ?? $status->retryAfterMs,
        );
    }

    /** The error of a job, which has the same parts. */
    public static function fromError(Error $error): self
    {
        $fields = [];
        foreach ($error->getFields() as $field) {
            $fields[] = new FieldViolation($field->getField(), $field->getDescription());
        }

        return new self(
            Code::named($error->getCode()),
            $error->getMessage(),
            $error->getReason(),
            iterator_to_array($error->getMetadata()),
            $fields,
            $error->getCorrelationId(),
            (int) $error->getRetryAfterMs() ?: null,
        );
    }

    /** Tells whether the same call can succeed later: the contract says so for its reasons, the code for the rest. */
    public function isRetryable(): bool
    {
        return Reason::tryFrom($this->reason)?->isRetryable() ?? ($this->retryAfterMs !== null || match ($this->code) {
            Code::Unavailable, Code::Aborted, Code::DeadlineExceeded => true,
            default => false,
        });
    }

    /** One line for logs and exceptions. */
    public function describe(): string
    {
        $text = $this->message !== '' ? $this->message : $this->code->canonicalName();
        $text .= $this->reason !== '' ? " [{$this->reason}]" : '';
        foreach ($this->fields as $field) {
            $told = "{$field->field}: {$field->description}";
            // The node's message names the first of them itself.
            $text .= str_contains($this->message, $told) ? '' : " $told;";
        }

        return rtrim($text, ';') . ($this->correlationId !== '' ? " (correlation id {$this->correlationId})" : '');
    }

    public function exception(): Exception\Failed
    {
        return match ($this->code) {
            Code::Cancelled => new Exception\Cancelled($this),
            Code::InvalidArgument => new Exception\InvalidArgument($this),
            Code::DeadlineExceeded => new Exception\DeadlineExceeded($this),
            Code::NotFound => new Exception\NotFound($this),
            Code::AlreadyExists => new Exception\AlreadyExists($this),
            Code::PermissionDenied => new Exception\PermissionDenied($this),
            Code::ResourceExhausted => new Exception\ResourceExhausted($this),
            Code::FailedPrecondition => new Exception\FailedPrecondition($this),
            Code::Aborted => new Exception\Aborted($this),
            Code::OutOfRange => new Exception\OutOfRange($this),
            Code::Unimplemented => new Exception\Unimplemented($this),
            Code::Internal => new Exception\Internal($this),
            Code::Unavailable => $this->reason === Exception\CircuitOpen::REASON
                ? new Exception\CircuitOpen($this)
                : new Exception\Unavailable($this),
            Code::DataLoss => new Exception\DataLoss($this),
            Code::Unauthenticated => new Exception\Unauthenticated($this),
            Code::Ok, Code::Unknown => new Exception\Unknown($this),
        };
    }
}
