<?php

declare(strict_types=1);

namespace Howdah\Client\Exception;

/** Data was lost or damaged. */
final class DataLoss extends Failed
{
}
