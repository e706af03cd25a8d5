<?php

declare(strict_types=1);

namespace Howdah\Client\Exception;

/** Something broke in the node. The correlation id finds it in the log. */
final class Internal extends Failed
{
}
