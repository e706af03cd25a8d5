<?php

declare(strict_types=1);

namespace Howdah\Client\Exception;

use Howdah\Client\Code;

/** The bytes received are not those the node has; nothing was written to the target. */
final class DownloadCorrupted extends Failed
{
    public function isRetryable(): bool
    {
        return false;
    }

    protected static function defaultCode(): Code
    {
        return Code::DataLoss;
    }
}
