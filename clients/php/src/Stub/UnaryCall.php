<?php

declare(strict_types=1);

namespace Howdah\Client\Stub;

use Howdah\Client\Code;
use Howdah\Client\Exception\HowdahException;
use Howdah\Client\Transport\Status;

/** One request, one answer. Stands in for Grpc\UnaryCall. */
final class UnaryCall extends GeneratedCall
{
    /** @var array{object|null, Status}|null */
    private ?array $outcome = null;

    /**
     * As in grpc/grpc: failures are returned.
     *
     * @return array{object|null, \stdClass} the answer, and a status of `code`, `details` and `metadata`
     */
    public function wait(): array
    {
        [$answer, $status] = $this->outcome();

        return [$answer, self::plain($status)];
    }

    /**
     * The answer; failures are thrown.
     *
     * @throws HowdahException
     */
    public function answer(): object
    {
        [$answer, $status] = $this->outcome();

        return $answer ?? throw $this->failure($status)->exception();
    }

    /** @return array{object|null, Status} */
    private function outcome(): array
    {
        if ($this->outcome === null) {
            $bytes = $this->exchange()->next();
            $status = $this->exchange()->status();
            $answer = null;
            if ($status->isOk()) {
                $answer = $bytes === null ? new Status(Code::Internal, 'The answer has not exactly one message.') : $this->decode($bytes);
                if ($answer instanceof Status) {
                    [$answer, $status] = [null, $answer];
                }
            }
            $this->outcome = [$answer, $status];
        }

        return $this->outcome;
    }
}
