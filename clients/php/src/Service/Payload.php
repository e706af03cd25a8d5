<?php

declare(strict_types=1);

namespace Howdah\Client\Service;

use Google\Protobuf\Struct;

/** Turns what a job is given, as PHP has it, into the contract's message. */
final class Payload
{
    /**
     * @param array<string, mixed> $values what `json_encode` takes
     *
     * @throws \JsonException where it does not
     */
    public static function of(array $values): Struct
    {
        $struct = new Struct();
        $struct->mergeFromJsonString(json_encode((object) $values, JSON_THROW_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION));

        return $struct;
    }
}
