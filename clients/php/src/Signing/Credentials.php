<?php

declare(strict_types=1);

namespace Howdah\Client\Signing;

/** Proves who calls: it gives each attempt the metadata that the node checks. */
interface Credentials
{
    /** @return array<string, list<string>> made anew for every attempt */
    public function sign(Signable $call): array;
}
