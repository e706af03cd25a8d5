<?php

declare(strict_types=1);

namespace Howdah\Client;

use Howdah\Client\Breaker\Breaker;
use Howdah\Client\Calls\Middleware;
use Howdah\Client\Calls\Retries;
use Howdah\Client\Calls\Uuid;
use Howdah\Client\Exception\ConfigurationException;
use Howdah\Client\Signing\Credentials;
use Howdah\Client\Transport\Metadata;
use Psr\Log\LoggerInterface;
use Psr\Log\NullLogger;

/** How calls are made. It never changes: each `with…()` returns a copy. */
final readonly class Options
{
    private const TENANT = '/\A[a-z0-9][a-z0-9_-]{0,62}\z/';
    private const LOCATION = '#\A(?:/[A-Za-z0-9_-]+)+/?\z#';

    /**
     * @param string                      $audience      the configured name of the node
     * @param string|null                 $tenant        null for calls that belong to no tenant
     * @param float|null                  $timeout       seconds for a call with all its attempts; null takes the contract's
     * @param string|null                 $correlationId null makes a new one for every call
     * @param array<string, list<string>> $metadata      sent with every call
     * @param Breaker|null                $breaker       null calls on, however often a node fails
     * @param list<Middleware>            $middleware    the first one stands outermost
     * @param string|null                 $accelLocation where nginx has the node's files; null streams them through PHP
     */
    public function __construct(
        public ?Credentials $credentials = null,
        public string $audience = 'howdah',
        public ?string $tenant = null,
        public ?float $timeout = null,
        public Retries $retries = new Retries(),
        public ?string $correlationId = null,
        public array $metadata = [],
        public LoggerInterface $logger = new NullLogger(),
        public ?Breaker $breaker = null,
        public array $middleware = [],
        public ?string $accelLocation = null,
    ) {
        if ($tenant !== null && preg_match(self::TENANT, $tenant) !== 1) {
            throw ConfigurationException::because(
                'A tenant id is 1 to 63 of a-z, 0-9, "_" and "-", and begins with a letter or digit; this one is not: '
                . json_encode($tenant, JSON_INVALID_UTF8_SUBSTITUTE | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE),
            );
        }
        if ($timeout !== null && $timeout <= 0) {
            throw ConfigurationException::because('A timeout is a number of seconds greater than 0.');
        }
        if ($correlationId !== null && !Uuid::isValid($correlationId)) {
            throw ConfigurationException::because('A correlation id is a UUID.');
        }
        if ($accelLocation !== null && preg_match(self::LOCATION, $accelLocation) !== 1) {
            throw ConfigurationException::because('The location of files is a path such as /howdah-files/.');
        }
    }

    public function withCredentials(Credentials $credentials): self
    {
        return $this->with(['credentials' => $credentials]);
    }

    public function withAudience(string $audience): self
    {
        return $this->with(['audience' => $audience]);
    }

    public function withTenant(?string $tenant): self
    {
        return $this->with(['tenant' => $tenant]);
    }

    public function withTimeout(?float $seconds): self
    {
        return $this->with(['timeout' => $seconds]);
    }

    public function withRetries(int|Retries $retries): self
    {
        return $this->with(['retries' => is_int($retries) ? new Retries($retries) : $retries]);
    }

    public function withCorrelationId(?string $correlationId): self
    {
        return $this->with(['correlationId' => $correlationId]);
    }

    /** @param string|list<string> $value */
    public function withMetadata(string $name, string|array $value): self
    {
        return $this->with(['metadata' => Metadata::normalise([$name => $value]) + $this->metadata]);
    }

    public function withLogger(LoggerInterface $logger): self
    {
        return $this->with(['logger' => $logger]);
    }

    public function withBreaker(?Breaker $breaker): self
    {
        return $this->with(['breaker' => $breaker]);
    }

    /** Puts one more inside those that are there. */
    public function withMiddleware(Middleware $middleware): self
    {
        return $this->with(['middleware' => [...$this->middleware, $middleware]]);
    }

    public function withAccelLocation(?string $location): self
    {
        return $this->with(['accelLocation' => $location]);
    }

    /** @param array<string, mixed> $changes */
    private function with(array $changes): self
    {
        return new self(...array_replace(get_object_vars($this), $changes));
    }
}
