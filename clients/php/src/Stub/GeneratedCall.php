<?php

declare(strict_types=1);

namespace Howdah\Client\Stub;

use Google\Protobuf\Internal\Message;
use Howdah\Client\Calls\Call;
use Howdah\Client\Calls\Caller;
use Howdah\Client\Calls\Uuid;
use Howdah\Client\Code;
use Howdah\Client\Failure\Failure;
use Howdah\Client\Transport\Exchange;
use Howdah\Client\Transport\Status;

/** What unary and streaming calls of generated stubs share. Names and shapes are those of grpc/grpc. */
abstract class GeneratedCall
{
    private ?Call $call = null;
    private ?Exchange $exchange = null;

    /** @var array{string, array<string, string|list<string>>, float|null, bool}|null what is still to be sent */
    private ?array $prepared = null;

    /** @param array{0: class-string<Message>, 1: string}|callable $deserialize */
    public function __construct(
        private readonly Caller $caller,
        private readonly string $method,
        private readonly mixed $deserialize,
        private readonly bool $awaited = false,
    ) {
    }

    /**
     * Sends the request, or gets it ready where the answer is awaited.
     *
     * @param array<string, string|list<string>> $metadata
     * @param array<string, mixed>               $options `timeout` in microseconds, as with grpc/grpc;
     *                                                    `repeatable` where sending it twice does no harm
     */
    public function start(mixed $argument, array $metadata = [], array $options = []): void
    {
        $repeatable = (bool) ($options['repeatable'] ?? false);
        if (method_exists($argument, 'getIdempotencyKey')) {
            if ($argument->getIdempotencyKey() === '') {
                // One key for the call with all its attempts. The caller's own message stays as it is.
                $argument = clone $argument;
                $argument->setIdempotencyKey(Uuid::random());
            }
            $repeatable = true;
        }
        $timeout = $options['timeout'] ?? null;
        $this->prepared = [$argument->serializeToString(), $metadata, is_numeric($timeout) ? $timeout / 1e6 : null, $repeatable];
        $this->awaited || $this->exchange();
    }

    /** @return array<string, list<string>> what came before the first message */
    public function getMetadata(): array
    {
        return $this->exchange()->initialMetadata();
    }

    /** @return array<string, list<string>> what came with the status */
    public function getTrailingMetadata(): array
    {
        return $this->exchange()->status()->metadata;
    }

    public function getPeer(): string
    {
        return $this->caller->transport->target();
    }

    public function cancel(): void
    {
        $this->exchange()->cancel();
    }

    /** The id that finds the call in the logs of the node. */
    public function correlationId(): string
    {
        return $this->call()->correlationId;
    }

    protected function exchange(): Exchange
    {
        return $this->exchange ??= $this->caller->send($this->call());
    }

    private function call(): Call
    {
        return $this->call ??= $this->caller->prepare(
            $this->method,
            ...($this->prepared ?? throw new \LogicException('The call has not been started.')),
            streaming: $this instanceof ServerStreamingCall,
            awaited: $this->awaited,
        );
    }

    /** Reads an answer; a status where it is no message of the expected type. */
    protected function decode(string $bytes): mixed
    {
        try {
            if (!is_array($this->deserialize) || method_exists(...$this->deserialize)) {
                return ($this->deserialize)($bytes);
            }
            $message = new $this->deserialize[0]();
            $message->mergeFromString($bytes);

            return $message;
        } catch (\Exception $wrong) {
            return new Status(Code::Internal, 'The answer cannot be read: ' . $wrong->getMessage());
        }
    }

    protected function failure(Status $status): Failure
    {
        return Failure::fromStatus($status, $this->correlationId());
    }

    /** The status in the shape of grpc/grpc: `code`, `details`, `metadata`. */
    protected static function plain(Status $status): \stdClass
    {
        return (object) ['code' => $status->code->value, 'details' => $status->message, 'metadata' => $status->metadata];
    }
}
