<?php

declare(strict_types=1);

namespace Howdah\Client\Stub;

use Howdah\Client\Exception\HowdahException;
use Howdah\Client\Transport\Status;

/** One request, many answers, read as they come. Stands in for Grpc\ServerStreamingCall. */
final class ServerStreamingCall extends GeneratedCall
{
    private ?Status $unreadable = null;

    /**
     * As in grpc/grpc: ends quietly, and `getStatus()` says how.
     *
     * @return \Generator<int, object>
     */
    public function responses(): \Generator
    {
        while (($bytes = $this->exchange()->next()) !== null) {
            $message = $this->decode($bytes);
            if ($message instanceof Status) {
                $this->unreadable = $message;
                $this->cancel();

                return;
            }
            yield $message;
        }
    }

    /** @return \stdClass `code`, `details` and `metadata` */
    public function getStatus(): \stdClass
    {
        return self::plain($this->unreadable ?? $this->exchange()->status());
    }

    /**
     * The answers; a failure is thrown where it happens.
     *
     * @return \Generator<int, object>
     *
     * @throws HowdahException
     */
    public function messages(): \Generator
    {
        yield from $this->responses();
        $status = $this->unreadable ?? $this->exchange()->status();
        if (!$status->isOk()) {
            throw $this->failure($status)->exception();
        }
    }
}
