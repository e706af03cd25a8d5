<?php

declare(strict_types=1);

namespace Howdah\Client\Exception;

/** The node does not accept the credential; `reason()` says why. */
final class Unauthenticated extends Failed
{
}
