<?php

declare(strict_types=1);

namespace Howdah\Client\Exception;

/** A limit was reached: of calls, of waiting jobs, or of message size. */
final class ResourceExhausted extends Failed
{
}
