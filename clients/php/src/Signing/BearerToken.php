<?php

declare(strict_types=1);

namespace Howdah\Client\Signing;

/** A token in `authorization`; a closure is asked for it at every attempt, so that it can be renewed. */
final readonly class BearerToken implements Credentials
{
    /** @param string|\Closure(): string $token */
    public function __construct(#[\SensitiveParameter] private string|\Closure $token)
    {
    }

    /** @return array<string, string> */
    public function __debugInfo(): array
    {
        return ['token' => '***'];
    }

    public function sign(Signable $call): array
    {
        return ['authorization' => ['Bearer ' . ($this->token instanceof \Closure ? ($this->token)() : $this->token)]];
    }
}
