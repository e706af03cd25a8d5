<?php

declare(strict_types=1);

namespace Howdah\Client\Exception;

/** The node failed several times in a row and is left alone for a moment. No call was made. */
final class CircuitOpen extends Unavailable
{
    /** What `reason()` says then. */
    public const REASON = 'CIRCUIT_OPEN';
}
