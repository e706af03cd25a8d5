<?php

declare(strict_types=1);

namespace Howdah\Client\Exception;

/** There is no such thing in this tenant. */
final class NotFound extends Failed
{
}
