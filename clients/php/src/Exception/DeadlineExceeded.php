<?php

declare(strict_types=1);

namespace Howdah\Client\Exception;

/** The time was up before the answer was there. A call that changes something may have been carried out. */
final class DeadlineExceeded extends Failed
{
}
