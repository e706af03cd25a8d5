<?php

declare(strict_types=1);

namespace Howdah\Client\Exception;

/** The thing is in a state in which this cannot be done. */
final class FailedPrecondition extends Failed
{
}
