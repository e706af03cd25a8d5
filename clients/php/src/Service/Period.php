<?php

declare(strict_types=1);

namespace Howdah\Client\Service;

/** Writes days the way the contract has them. */
final class Period
{
    /** `2021-01-01`, from that text or from a date; of a date its own time zone counts. */
    public static function day(string|\DateTimeInterface $day): string
    {
        return $day instanceof \DateTimeInterface ? $day->format('Y-m-d') : $day;
    }
}
