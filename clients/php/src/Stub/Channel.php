<?php

declare(strict_types=1);

namespace Howdah\Client\Stub;

use Howdah\Client\Transport\Transport;

/** The channel that BaseStub asks an invoker for. */
final readonly class Channel
{
    public function __construct(private Transport $transport)
    {
    }

    public function getTarget(): string
    {
        return $this->transport->target();
    }

    public function close(): void
    {
        $this->transport->close();
    }
}
