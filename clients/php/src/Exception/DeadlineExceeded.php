<?php

declare(strict_types=1);

namespace Howdah\Client\Exception;

use Howdah\Client\Code;

/** The time was up before the answer was there. A call that changes something may have been carried out. */
final class DeadlineExceeded extends Failed
{
    protected static function defaultCode(): Code
    {
        return Code::DeadlineExceeded;
    }
}
