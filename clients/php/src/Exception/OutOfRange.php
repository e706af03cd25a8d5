<?php

declare(strict_types=1);

namespace Howdah\Client\Exception;

/** The request reaches past the end of something. */
final class OutOfRange extends Failed
{
}
