<?php

declare(strict_types=1);

namespace Howdah\Client\Stub;

use Howdah\Client\Calls\Caller;
use Howdah\Client\Options;
use Howdah\Client\Transport\Endpoint;
use Howdah\Client\Transport\Limits;
use Howdah\Client\Transport\Transports;

/**
 * Stands in for Grpc\BaseStub where the package grpc/grpc is not installed, so that the stubs of
 * grpc_php_plugin run unchanged. Without `grpc_call_invoker` calls are not signed.
 */
class BaseStub
{
    private readonly object $invoker;
    private readonly object $channel;
    private readonly ?\Closure $updateMetadata;

    /**
     * @param string               $hostname such as `127.0.0.1:50051`
     * @param array<string, mixed> $opts     `credentials`, `grpc_call_invoker`, `update_metadata`
     * @param mixed                $channel  is not used; calls go where the invoker sends them
     */
    public function __construct($hostname, $opts, $channel = null)
    {
        $this->updateMetadata = isset($opts['update_metadata']) ? \Closure::fromCallable($opts['update_metadata']) : null;
        $this->invoker = $opts['grpc_call_invoker'] ?? self::unsigned($hostname, $opts['credentials'] ?? null);
        $this->channel = $this->invoker->createChannelFactory($hostname, $opts);
    }

    public function getTarget(): string
    {
        return $this->channel->getTarget();
    }

    public function close(): void
    {
        $this->channel->close();
    }

    /**
     * @param array{0: class-string, 1: string} $deserialize
     * @param array<string, mixed>              $metadata
     * @param array<string, mixed>              $options
     */
    protected function _simpleRequest($method, $argument, $deserialize, array $metadata = [], array $options = []): object
    {
        $call = $this->invoker->UnaryCall($this->channel, $method, $deserialize, $options);
        $call->start($argument, $this->updated($metadata, $method), $options);

        return $call;
    }

    /**
     * @param array{0: class-string, 1: string} $deserialize
     * @param array<string, mixed>              $metadata
     * @param array<string, mixed>              $options
     */
    protected function _serverStreamRequest($method, $argument, $deserialize, array $metadata = [], array $options = []): object
    {
        $call = $this->invoker->ServerStreamingCall($this->channel, $method, $deserialize, $options);
        $call->start($argument, $this->updated($metadata, $method), $options);

        return $call;
    }

    /**
     * @param array{0: class-string, 1: string} $deserialize
     * @param array<string, mixed>              $metadata
     * @param array<string, mixed>              $options
     */
    protected function _clientStreamRequest($method, $deserialize, array $metadata = [], array $options = []): object
    {
        return $this->invoker->ClientStreamingCall($this->channel, $method, $deserialize, $options);
    }

    /**
     * @param array{0: class-string, 1: string} $deserialize
     * @param array<string, mixed>              $metadata
     * @param array<string, mixed>              $options
     */
    protected function _bidiRequest($method, $deserialize, array $metadata = [], array $options = []): object
    {
        return $this->invoker->BidiStreamingCall($this->channel, $method, $deserialize, $options);
    }

    private static function unsigned(string $hostname, mixed $credentials): CallInvoker
    {
        $tls = $credentials instanceof ChannelCredentials ? $credentials->tls : null;

        return new CallInvoker(new Caller(Transports::open(Endpoint::parse($hostname, $tls), new Limits()), new Options()));
    }

    /**
     * @param array<string, mixed> $metadata
     *
     * @return array<string, mixed>
     */
    private function updated(array $metadata, string $method): array
    {
        if ($this->updateMetadata === null) {
            return $metadata;
        }

        return ($this->updateMetadata)($metadata, 'https://' . $this->getTarget() . dirname($method));
    }
}
