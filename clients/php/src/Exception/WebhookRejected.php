<?php

declare(strict_types=1);

namespace Howdah\Client\Exception;

use Howdah\Client\Code;

/** A request that claims to be a webhook is not one of the node's, or is too old. Answer it with status 400. */
final class WebhookRejected extends Failed
{
    public function isRetryable(): bool
    {
        return false;
    }

    protected static function defaultCode(): Code
    {
        return Code::Unauthenticated;
    }
}
