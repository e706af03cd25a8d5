<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Unit;

use Howdah\Client\Breaker\ApcuStore;
use Howdah\Client\Breaker\Breaker;
use Howdah\Client\Breaker\MemoryStore;
use Howdah\Client\Breaker\Store;
use Howdah\Client\Calls\Caller;
use Howdah\Client\Calls\Retries;
use Howdah\Client\Client;
use Howdah\Client\Code;
use Howdah\Client\Exception\CircuitOpen;
use Howdah\Client\Exception\HowdahException;
use Howdah\Client\Options;
use Howdah\Client\Tests\Support\FakeClock;
use Howdah\Client\Tests\Support\ScriptedTransport;
use Howdah\Client\Tests\Support\Statuses;
use Howdah\Client\Transport\Status;
use PHPUnit\Framework\TestCase;

final class BreakerTest extends TestCase
{
    private FakeClock $clock;
    private ScriptedTransport $transport;

    protected function setUp(): void
    {
        $this->clock = new FakeClock();
        function_exists('apcu_clear_cache') && apcu_clear_cache();
    }

    private function breaker(?Store $store = null): Breaker
    {
        return new Breaker($store ?? new MemoryStore($this->clock), failures: 3, window: 10, pause: 5.0, now: fn (): float => $this->clock->now);
    }

    /** @param list<array{list<string>, Status}> $script */
    private function client(array $script, ?Store $store = null): Client
    {
        $this->transport = new ScriptedTransport($script);
        $options = (new Options())->withRetries(0)->withBreaker($this->breaker($store));

        return new Client(new Caller($this->transport, $options, $this->clock));
    }

    private static function ping(Client $client): string
    {
        try {
            $client->node()->ping();

            return 'answered';
        } catch (HowdahException $failed) {
            return $failed->reason() !== '' ? $failed->reason() : $failed->status()->canonicalName();
        }
    }

    /** @return iterable<string, array{\Closure(FakeClock): Store}> */
    public static function stores(): iterable
    {
        yield 'memory' => [static fn (FakeClock $clock): Store => new MemoryStore($clock)];
        yield 'APCu' => [static function (): Store {
            self::assertTrue(ApcuStore::isUsable(), 'Run tools/debian.sh test, and PHPUnit by tools/phpunit.sh or with: php -d apc.enable_cli=1 $(command -v phpunit)');

            return new ApcuStore();
        }];
    }

    /**
     * @dataProvider stores
     *
     * @param \Closure(FakeClock): Store $store
     */
    public function test_it_opens_after_the_failures_lets_one_call_through_and_closes(\Closure $store): void
    {
        $down = [[], Statuses::of(Code::Unavailable)];
        $client = $this->client([$down, $down, $down, $down, [[''], Status::ok()]], $store($this->clock));

        self::assertSame(['UNAVAILABLE', 'UNAVAILABLE', 'UNAVAILABLE'], [self::ping($client), self::ping($client), self::ping($client)]);
        self::assertSame(CircuitOpen::REASON, self::ping($client));
        self::assertCount(3, $this->transport->requests);

        $this->clock->now += 5.1;
        self::assertSame('UNAVAILABLE', self::ping($client));
        self::assertSame(CircuitOpen::REASON, self::ping($client));
        self::assertCount(4, $this->transport->requests);

        $this->clock->now += 5.1;
        self::assertSame('answered', self::ping($client));
        self::assertSame('answered', self::ping($client));
        self::assertCount(6, $this->transport->requests);
    }

    /**
     * @dataProvider stores
     *
     * @param \Closure(FakeClock): Store $store
     */
    public function test_half_open_it_lets_one_through_and_another_when_that_one_never_came_back(\Closure $store): void
    {
        $breaker = $this->breaker($store($this->clock));
        for ($i = 0; $i < 3; $i++) {
            $breaker->record('node:1', Statuses::of(Code::Unavailable));
        }
        self::assertEqualsWithDelta(5.0, $breaker->refusal('node:1'), 0.001);
        self::assertNull($breaker->refusal('node:2'), 'another node');

        $this->clock->now += 5.1;
        self::assertNull($breaker->refusal('node:1'));
        self::assertNotNull($breaker->refusal('node:1'));
    }

    /** @dataProvider statuses */
    public function test_only_what_is_the_node_s_fault_counts(Status $status, bool $counts): void
    {
        $breaker = $this->breaker();
        for ($i = 0; $i < 10; $i++) {
            $breaker->record('node', $status);
        }

        self::assertSame($counts, $breaker->refusal('node') !== null);
    }

    /** @return iterable<string, array{Status, bool}> */
    public static function statuses(): iterable
    {
        foreach (Code::cases() as $code) {
            $counts = in_array($code, [Code::Unavailable, Code::DeadlineExceeded, Code::Internal], true);
            yield $code->name => [Statuses::of($code), $counts];
        }
        yield 'an overloaded node' => [Statuses::of(Code::ResourceExhausted, 500, reason: 'NODE_OVERLOADED'), true];
        yield 'a tenant that calls too often' => [Statuses::of(Code::ResourceExhausted, 500, reason: 'RATE_LIMITED'), false];
    }

    public function test_failures_that_are_not_in_a_row_do_not_open_it(): void
    {
        $breaker = $this->breaker();
        for ($i = 0; $i < 10; $i++) {
            $breaker->record('node', Statuses::of(Code::Unavailable));
            $breaker->record('node', Statuses::of(Code::Unavailable));
            $breaker->record('node', Statuses::of(Code::NotFound));
        }

        self::assertNull($breaker->refusal('node'));
    }

    public function test_an_open_breaker_fails_within_a_millisecond_and_is_not_tried_again(): void
    {
        $client = $this->client([[[], Statuses::of(Code::Unavailable)]]);
        for ($i = 0; $i < 3; $i++) {
            self::ping($client);
        }
        $client = $client->withRetries(new Retries(5));
        self::ping($client);
        $begun = hrtime(true);
        for ($i = 0; $i < 100; $i++) {
            self::assertSame(CircuitOpen::REASON, self::ping($client));
        }

        self::assertLessThan(1.0, (hrtime(true) - $begun) / 1e6 / 100);
        self::assertSame([], $this->clock->slept);
        self::assertCount(3, $this->transport->requests);
    }

    public function test_while_it_is_open_nothing_is_tried_and_the_one_call_that_is_let_through_is_not_used_up(): void
    {
        $client = $this->client([[[], Statuses::of(Code::Unavailable)], [[], Statuses::of(Code::Unavailable)], [[], Statuses::of(Code::Unavailable)], [[''], Status::ok()]]);
        $tried = static function () use ($client): array {
            $begun = false;
            $outcome = $client->try(static function (Client $client) use (&$begun): string {
                $begun = true;

                return self::ping($client);
            });

            return [$begun, $outcome->data ?? $outcome->error->reason()];
        };
        self::assertSame([[true, 'UNAVAILABLE'], [true, 'UNAVAILABLE'], [true, 'UNAVAILABLE']], [$tried(), $tried(), $tried()]);
        self::assertSame([false, CircuitOpen::REASON], $tried());
        self::assertCount(3, $this->transport->requests);

        $this->clock->now += 5.1;
        self::assertSame([true, 'answered'], $tried());
    }

    public function test_it_is_an_unavailable_that_says_when_to_come_back(): void
    {
        $client = $this->client([[[], Statuses::of(Code::Internal)]]);
        for ($i = 0; $i < 3; $i++) {
            self::ping($client);
        }
        try {
            $client->node()->ping();
            self::fail('called');
        } catch (CircuitOpen $open) {
            self::assertSame(Code::Unavailable, $open->status());
            self::assertTrue($open->isRetryable());
            self::assertEqualsWithDelta(5000, $open->retryAfterMs(), 1);
        }
    }
}
