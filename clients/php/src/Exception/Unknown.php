<?php

declare(strict_types=1);

namespace Howdah\Client\Exception;

/** The answer was an error without a known meaning. */
final class Unknown extends Failed
{
}
