<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Transport;

use Howdah\Client\Exception\DeadlineExceeded;
use Howdah\Client\Exception\Unavailable;
use Howdah\Client\Tests\Support\MisbehavingServer;
use Howdah\Client\Transport\Limits;

final class DeadlineTest extends TransportTestCase
{
    private static function milliseconds(\Closure $do): float
    {
        $start = hrtime(true);
        $do();

        return (hrtime(true) - $start) / 1e6;
    }

    /** @dataProvider hangingCalls */
    public function test_a_call_ends_at_its_deadline(string $message, string $kind = 'grpc'): void
    {
        $client = self::client(MisbehavingServer::shared()->address($kind));
        if ($kind === 'grpc') {
            self::ping($client, 'connected');
        }
        $took = self::milliseconds(function () use ($client, $message): void {
            try {
                self::ping($client->withTimeout(0.15), $message);
                self::fail('answered');
            } catch (DeadlineExceeded) {
            }
        });

        self::assertGreaterThan(140, $took);
        self::assertLessThan(200, $took);
    }

    /** @return iterable<string, array{0: string, 1?: string}> */
    public static function hangingCalls(): iterable
    {
        yield 'no answer' => ['sleep:2'];
        yield 'headers and no answer' => ['late:2'];
        yield 'a server that never speaks' => ['x', 'silent'];
    }

    public function test_the_server_is_told_of_the_deadline(): void
    {
        $remaining = (float) self::ping(self::client()->withTimeout(7.5), 'remaining');

        self::assertGreaterThan(6.5, $remaining);
        self::assertLessThanOrEqual(7.5, $remaining);
    }

    public function test_the_timeout_of_a_stub_is_in_microseconds(): void
    {
        $took = self::milliseconds(function (): void {
            [, $status] = self::rawPing(self::client(), 'sleep:2', options: ['timeout' => 100_000]);
            self::assertSame(\Grpc\STATUS_DEADLINE_EXCEEDED, $status->code);
        });

        self::assertLessThan(200, $took);
    }

    public function test_retries_end_at_the_deadline_of_the_call(): void
    {
        $took = self::milliseconds(function (): void {
            $this->expectExceptionObject(new \RuntimeException());
            try {
                self::ping(self::client(retries: 1000)->withTimeout(0.5), 'status:14');
            } catch (Unavailable | DeadlineExceeded) {
                throw new \RuntimeException();
            }
        });

        self::assertLessThan(600, $took);
    }

    public function test_a_host_that_does_not_answer_is_given_up_after_the_connect_timeout(): void
    {
        // TEST-NET-1 (RFC 5737): no host has an address in it.
        $client = self::client('192.0.2.1:50051', new Limits(connectTimeout: 0.2));
        $took = self::milliseconds(function () use ($client): void {
            try {
                self::ping($client, 'x');
                self::fail('answered');
            } catch (Unavailable) {
            }
        });

        self::assertLessThan(500, $took);
    }

    public function test_the_next_call_works_after_a_deadline(): void
    {
        $client = self::client();
        for ($i = 0; $i < 5; $i++) {
            try {
                self::ping($client->withTimeout(0.02), 'sleep:1');
                self::fail('answered');
            } catch (DeadlineExceeded) {
            }
            self::assertSame('x', self::ping($client, 'x'));
        }
    }
}
