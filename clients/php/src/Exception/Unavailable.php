<?php

declare(strict_types=1);

namespace Howdah\Client\Exception;

/** The node cannot be reached or cannot answer now. */
class Unavailable extends Failed
{
}
