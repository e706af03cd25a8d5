<?php

declare(strict_types=1);

namespace Howdah\Client\Exception;

/** Something else was faster; try again from the beginning. */
final class Aborted extends Failed
{
}
