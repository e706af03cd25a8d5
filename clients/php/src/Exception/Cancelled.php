<?php

declare(strict_types=1);

namespace Howdah\Client\Exception;

/** The call was cancelled. */
final class Cancelled extends Failed
{
}
