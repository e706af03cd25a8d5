<?php

declare(strict_types=1);

namespace Howdah\Client\Stub;

use Howdah\Client\Calls\Caller;
use Howdah\Client\Exception\TransportException;

/**
 * Makes the calls of generated stubs, for the option `grpc_call_invoker`.
 *
 * The place for signing and retries: the official BaseStub hands every call over to it, an Interceptor
 * would not see the answer and could not try again. Method names are those of Grpc\CallInvoker.
 */
final readonly class CallInvoker
{
    /** @param bool $awaited unary calls are sent when their answer is asked for */
    public function __construct(private Caller $caller, private bool $awaited = false)
    {
    }

    /** @param array<string, mixed> $opts */
    public function createChannelFactory(string $hostname, array $opts): Channel
    {
        return new Channel($this->caller->transport);
    }

    /** @param array<string, mixed> $options */
    public function UnaryCall(mixed $channel, string $method, mixed $deserialize, array $options): UnaryCall
    {
        return new UnaryCall($this->caller, $method, $deserialize, $this->awaited);
    }

    /** @param array<string, mixed> $options */
    public function ServerStreamingCall(mixed $channel, string $method, mixed $deserialize, array $options): ServerStreamingCall
    {
        return new ServerStreamingCall($this->caller, $method, $deserialize);
    }

    /** @param array<string, mixed> $options */
    public function ClientStreamingCall(mixed $channel, string $method, mixed $deserialize, array $options): never
    {
        throw TransportException::because("$method streams requests, which a signed call cannot do.");
    }

    /** @param array<string, mixed> $options */
    public function BidiStreamingCall(mixed $channel, string $method, mixed $deserialize, array $options): never
    {
        throw TransportException::because("$method streams requests, which a signed call cannot do.");
    }
}
