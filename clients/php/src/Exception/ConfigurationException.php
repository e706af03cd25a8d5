<?php

declare(strict_types=1);

namespace Howdah\Client\Exception;

use Howdah\Client\Code;

/** The client was set up or used in a way that cannot work. No call was made. */
final class ConfigurationException extends Failed
{
    public function isRetryable(): bool
    {
        return false;
    }

    protected static function defaultCode(): Code
    {
        return Code::InvalidArgument;
    }
}
