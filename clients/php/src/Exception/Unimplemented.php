<?php

declare(strict_types=1);

namespace Howdah\Client\Exception;

/** The node does not know this method. */
final class Unimplemented extends Failed
{
}
