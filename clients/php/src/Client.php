<?php

declare(strict_types=1);

namespace Howdah\Client;

use Howdah\Client\Breaker\Breaker;
use Howdah\Client\Calls\Caller;
use Howdah\Client\Calls\Middleware;
use Howdah\Client\Calls\Retries;
use Howdah\Client\Calls\Uuid;
use Howdah\Client\Failure\Failure;
use Howdah\Client\Service\Analytics;
use Howdah\Client\Service\Documents;
use Howdah\Client\Service\Files;
use Howdah\Client\Service\Jobs;
use Howdah\Client\Service\Node;
use Howdah\Client\Service\Queues;
use Howdah\Client\Service\Records;
use Howdah\Client\Service\Schedules;
use Howdah\Client\Service\Webhooks;
use Howdah\Client\Stub\CallInvoker;
use Psr\Log\LoggerInterface;

/** Calls one node. It never changes: each `with…()` returns a copy, and all copies share the connection. */
final readonly class Client
{
    private const TRACEPARENT = '/\A(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}\z/';

    public function __construct(private Caller $caller)
    {
    }

    /** A client whose calls are for this tenant. */
    public function tenant(string $tenant): self
    {
        return $this->withOptions($this->caller->options->withTenant($tenant));
    }

    /** @param float|null $seconds for a call with all its attempts; null takes the contract's */
    public function withTimeout(?float $seconds): self
    {
        return $this->withOptions($this->caller->options->withTimeout($seconds));
    }

    /** @param int|Retries $retries attempts after the first, where trying again is safe */
    public function withRetries(int|Retries $retries): self
    {
        return $this->withOptions($this->caller->options->withRetries($retries));
    }

    /** @param string|null $correlationId a UUID for all its calls; null makes one for each */
    public function withCorrelationId(?string $correlationId): self
    {
        return $this->withOptions($this->caller->options->withCorrelationId($correlationId));
    }

    /** @param string|list<string> $value sent with every call */
    public function withMetadata(string $name, string|array $value): self
    {
        return $this->withOptions($this->caller->options->withMetadata($name, $value));
    }

    /** @param LoggerInterface $logger hears of attempts that are repeated */
    public function withLogger(LoggerInterface $logger): self
    {
        return $this->withOptions($this->caller->options->withLogger($logger));
    }

    /** @param Breaker|null $breaker null calls on, however often the node fails */
    public function withBreaker(?Breaker $breaker): self
    {
        return $this->withOptions($this->caller->options->withBreaker($breaker));
    }

    public function withMiddleware(Middleware $middleware): self
    {
        return $this->withOptions($this->caller->options->withMiddleware($middleware));
    }

    /**
     * Has nginx send the files of `files()->respond()`, by X-Accel-Redirect.
     *
     * @param string|null $location of nginx, `internal` and an alias of the node's directory of files, such as
     *                              `/howdah-files/`; null streams them through PHP
     */
    public function withAccelLocation(?string $location): self
    {
        return $this->withOptions($this->caller->options->withAccelLocation($location));
    }

    /**
     * Takes correlation id and trace from the request that is being answered, so that logs can be joined.
     * Headers that are not of the right form count as absent.
     *
     * @param array<string, mixed>|null $server as `$_SERVER`, which it is where null
     */
    public function withCurrentRequest(?array $server = null): self
    {
        $server ??= $_SERVER;
        $options = $this->caller->options;
        foreach (['HTTP_X_CORRELATION_ID', 'HTTP_X_REQUEST_ID'] as $header) {
            $id = strtolower(is_string($server[$header] ?? null) ? $server[$header] : '');
            if (Uuid::isValid($id)) {
                $options = $options->withCorrelationId($id);
                break;
            }
        }
        $trace = $server['HTTP_TRACEPARENT'] ?? null;
        if (is_string($trace) && preg_match(self::TRACEPARENT, $trace) === 1) {
            $options = $options->withMetadata('traceparent', $trace);
        }

        return $this->withOptions($options);
    }

    /**
     * Does something with this client and hands over what became of it, instead of throwing. While the node is left
     * alone it is not even begun: making the messages of a call takes longer than refusing it.
     *
     * @template T
     *
     * @param \Closure(self): T $do
     *
     * @return Outcome<T>
     */
    public function try(\Closure $do): Outcome
    {
        $target = $this->caller->transport->target();
        $wait = $this->caller->options->breaker?->pauseLeft($target);

        return Outcome::of($wait === null
            ? fn (): mixed => $do($this)
            : static fn (): never => throw Failure::fromStatus(Breaker::refused($target, $wait))->exception());
    }

    public function withOptions(Options $options): self
    {
        return new self($this->caller->withOptions($options));
    }

    public function options(): Options
    {
        return $this->caller->options;
    }

    public function analytics(): Analytics
    {
        return new Analytics($this);
    }

    public function documents(): Documents
    {
        return new Documents($this);
    }

    public function files(): Files
    {
        return new Files($this, $this->caller->clock);
    }

    public function jobs(): Jobs
    {
        return new Jobs($this, $this->caller->clock);
    }

    public function node(): Node
    {
        return new Node($this);
    }

    public function queues(): Queues
    {
        return new Queues($this);
    }

    public function records(): Records
    {
        return new Records($this);
    }

    public function schedules(): Schedules
    {
        return new Schedules($this);
    }

    public function webhooks(): Webhooks
    {
        return new Webhooks($this);
    }

    /**
     * A stub of grpc_php_plugin whose calls are signed and repeated like all others; for methods without a facade.
     *
     * @template T of object
     *
     * @param class-string<T> $class   such as `Howdah\Tenants\V1\TenantsServiceClient`
     * @param bool            $awaited a call is sent when its answer is asked for, which costs less; otherwise
     *                                 at once, so that several can be under way
     *
     * @return T
     */
    public function stub(string $class, bool $awaited = false): object
    {
        return new $class($this->caller->transport->target(), [
            'credentials' => null,
            'grpc_call_invoker' => new CallInvoker($this->caller, $awaited),
        ]);
    }

    /** Ends the connection; the next call opens one again. */
    public function close(): void
    {
        $this->caller->transport->close();
    }
}
