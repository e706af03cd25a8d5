<?php

declare(strict_types=1);

namespace Howdah\Client\Exception;

use Howdah\Client\Code;
use Howdah\Client\Contract\Reason;
use Howdah\Client\Failure\FieldViolation;

/** What every exception of this client is. */
interface HowdahException extends \Throwable
{
    /** The status; `getCode()` has its number. */
    public function status(): Code;

    /** Why, as a stable name such as `FIELDS_INVALID`; empty where the failure is not the node's own. */
    public function reason(): string;

    /** The reason as the contract lists it, with texts; null where it does not. */
    public function knownReason(): ?Reason;

    /** @return array<string, string> values that the reason comes with */
    public function metadata(): array;

    /** @return list<FieldViolation> the fields of the request that were wrong */
    public function fieldViolations(): array;

    /** Finds the call in the logs of the node; empty where no call was made. */
    public function correlationId(): string;

    /** Tells whether the same call can succeed later. */
    public function isRetryable(): bool;

    /** How long to wait before that, in milliseconds; null where the node did not say. */
    public function retryAfterMs(): ?int;
}
