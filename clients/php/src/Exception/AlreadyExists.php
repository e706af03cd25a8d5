<?php

declare(strict_types=1);

namespace Howdah\Client\Exception;

/** Something with this id exists. */
final class AlreadyExists extends Failed
{
}
