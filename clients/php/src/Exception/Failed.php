<?php

declare(strict_types=1);

namespace Howdah\Client\Exception;

use Howdah\Client\Code;
use Howdah\Client\Contract\Reason;
use Howdah\Client\Failure\Failure;

/** A failure, thrown. Catch HowdahException, or the class of the cause. */
abstract class Failed extends \RuntimeException implements HowdahException
{
    final public function __construct(public readonly Failure $failure, ?\Throwable $previous = null)
    {
        parent::__construct($failure->describe(), $failure->code->value, $previous);
    }

    /** A failure of this client's own making. */
    public static function because(string $message): static
    {
        return new static(new Failure(static::defaultCode(), $message));
    }

    public function status(): Code
    {
        return $this->failure->code;
    }

    public function reason(): string
    {
        return $this->failure->reason;
    }

    public function knownReason(): ?Reason
    {
        return Reason::tryFrom($this->failure->reason);
    }

    public function metadata(): array
    {
        return $this->failure->metadata;
    }

    public function fieldViolations(): array
    {
        return $this->failure->fields;
    }

    public function correlationId(): string
    {
        return $this->failure->correlationId;
    }

    public function isRetryable(): bool
    {
        return $this->failure->isRetryable();
    }

    public function retryAfterMs(): ?int
    {
        return $this->failure->retryAfterMs;
    }

    protected static function defaultCode(): Code
    {
        return Code::Unknown;
    }
}
