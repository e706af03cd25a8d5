<?php

declare(strict_types=1);

namespace Howdah\Client\Testing;

use Google\Protobuf\Internal\Message;
use Howdah\Client\Calls\Caller;
use Howdah\Client\Client;
use Howdah\Client\Contract\Reason;
use Howdah\Client\Options;
use Howdah\Client\Transport\Status;
use PHPUnit\Framework\Assert;

/**
 * A node for PHPUnit that answers what it was told to. The client in front of it is the real one, with its retries
 * and deadlines; only connection, signature and clock are not.
 */
final class HowdahFake
{
    public readonly RecordedClock $clock;
    private readonly FakeTransport $transport;

    public function __construct()
    {
        $this->clock = new RecordedClock();
        $this->transport = new FakeTransport();
    }

    public function client(string $tenant = 'acme'): Client
    {
        $options = new Options(tenant: $tenant);

        return new Client(new Caller($this->transport, $options, $this->clock, static fn (): float => 1.0));
    }

    /**
     * Lays out the next answer of a method; the last one stays.
     *
     * @param string $method its name, such as `ComputeKpis`, or its whole path
     */
    public function answer(string $method, Message $answer): self
    {
        return $this->stream($method, [$answer]);
    }

    /**
     * Lays out all the messages of a stream, and how it ends.
     *
     * @param list<Message> $answers
     */
    public function stream(string $method, array $answers, ?Reason $end = null): self
    {
        $types = MethodTypes::of($method);
        foreach ($answers as $answer) {
            if (!$answer instanceof $types->response) {
                throw new \LogicException(sprintf('%s answers with %s, not with %s.', $types->path, $types->response, $answer::class));
            }
        }
        $messages = array_map(static fn (Message $answer): string => $answer->serializeToString(), $answers);
        $this->transport->lay($types->path, $messages, $end === null ? Status::ok() : self::status($end, null));

        return $this;
    }

    /** Lays out a failure, as the contract lists it. */
    public function fail(string $method, Reason $reason, ?int $retryAfterMs = null): self
    {
        $this->transport->lay(MethodTypes::of($method)->path, [], self::status($reason, $retryAfterMs));

        return $this;
    }

    /** @return list<RecordedCall> every attempt, of one method or of all */
    public function calls(?string $method = null): array
    {
        $path = $method === null ? null : MethodTypes::of($method)->path;

        return array_values(array_filter(
            $this->transport->calls,
            static fn (RecordedCall $call): bool => $path === null || $call->method === $path,
        ));
    }

    /**
     * @param (\Closure(Message, RecordedCall): bool)|null $matching
     * @param int|null                                     $times    exactly so often, attempts counted; null for at least once
     */
    public function assertCalled(string $method, ?\Closure $matching = null, ?int $times = null): void
    {
        $found = count(array_filter(
            $this->calls($method),
            static fn (RecordedCall $call): bool => $matching === null || $matching($call->request, $call),
        ));
        if ($times === null) {
            Assert::assertGreaterThan(0, $found, "$method was not called so.");
        } else {
            Assert::assertSame($times, $found, "$method was not called so often.");
        }
    }

    public function assertNotCalled(string $method): void
    {
        Assert::assertCount(0, $this->calls($method), "$method was called.");
    }

    public function assertNothingCalled(): void
    {
        $called = array_map(static fn (RecordedCall $call): string => $call->method, $this->transport->calls);
        Assert::assertSame([], $called, 'Something was called.');
    }

    private static function status(Reason $reason, ?int $retryAfterMs): Status
    {
        return new Status($reason->code(), $reason->text(), reason: $reason->value, retryAfterMs: $retryAfterMs);
    }
}
