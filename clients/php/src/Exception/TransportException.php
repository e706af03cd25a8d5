<?php

declare(strict_types=1);

namespace Howdah\Client\Exception;

use Howdah\Client\Code;

/** The connection cannot work until something is changed: an extension, a certificate, the version of libcurl. */
final class TransportException extends Failed
{
    public function isRetryable(): bool
    {
        return false;
    }

    protected static function defaultCode(): Code
    {
        return Code::Unavailable;
    }
}
