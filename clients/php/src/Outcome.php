<?php

declare(strict_types=1);

namespace Howdah\Client;

use Google\Protobuf\Internal\Message;
use Howdah\Client\Exception\HowdahException;

/**
 * What became of a call: data or an error, as `{ok, data, error}` in JSON.
 *
 * @template T
 */
final readonly class Outcome implements \JsonSerializable
{
    /** @param T|null $data */
    private function __construct(
        public bool $ok,
        public mixed $data,
        public ?HowdahException $error,
    ) {
    }

    /**
     * @template U
     *
     * @param \Closure(): U $do
     *
     * @return self<U>
     */
    public static function of(\Closure $do): self
    {
        try {
            return new self(true, $do(), null);
        } catch (HowdahException $failed) {
            return new self(false, null, $failed);
        }
    }

    /**
     * The data; something else in its place where the node cannot answer now. What is wrong with the call itself
     * is thrown: an older answer would only hide it.
     *
     * @param mixed $instead a value, or a closure that is asked for one
     *
     * @throws HowdahException
     */
    public function orElse(mixed $instead): mixed
    {
        if ($this->error === null) {
            return $this->data;
        }
        $passes = match ($this->error->status()) {
            Code::Unavailable, Code::DeadlineExceeded, Code::Internal, Code::ResourceExhausted => true,
            default => $this->error->isRetryable(),
        };
        if (!$passes) {
            throw $this->error;
        }

        return $instead instanceof \Closure ? $instead($this->error) : $instead;
    }

    /**
     * The data, or the failure thrown.
     *
     * @throws HowdahException
     */
    public function orThrow(): mixed
    {
        return $this->error === null ? $this->data : throw $this->error;
    }

    /** @return array{ok: bool, data: mixed, error: array{code: string, reason: string, message: string, metadata: array<string, string>, fields: list<array{field: string, description: string}>, correlation_id: string, retryable: bool, retry_after_ms: int|null}|null} */
    public function jsonSerialize(): array
    {
        return [
            'ok' => $this->ok,
            'data' => $this->data instanceof Message ? json_decode($this->data->serializeToJsonString(), true, flags: JSON_THROW_ON_ERROR) : $this->data,
            'error' => $this->error === null ? null : [
                'code' => $this->error->status()->canonicalName(),
                'reason' => $this->error->reason(),
                'message' => $this->error->getMessage(),
                'metadata' => $this->error->metadata(),
                'fields' => array_map(static fn (object $one): array => ['field' => $one->field, 'description' => $one->description], $this->error->fieldViolations()),
                'correlation_id' => $this->error->correlationId(),
                'retryable' => $this->error->isRetryable(),
                'retry_after_ms' => $this->error->retryAfterMs(),
            ],
        ];
    }
}
