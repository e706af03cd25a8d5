<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Transport;

use Howdah\Client\Code;
use Howdah\Client\Exception\DeadlineExceeded;
use Howdah\Client\Exception\Unavailable;
use Howdah\Client\Tests\Support\MisbehavingServer;
use Howdah\Client\Transport\Curl\CurlTransport;
use Howdah\Client\Transport\Endpoint;
use Howdah\Client\Transport\Limits;
use Howdah\Client\Transport\Request;

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
        self::assertLessThan(1000, $took);
    }

    /** @dataProvider ways */
    public function test_deadlines_are_kept_within_ten_milliseconds(bool $streaming, bool $awaited): void
    {
        $transport = new CurlTransport(Endpoint::parse(MisbehavingServer::shared()->address('silent')));
        $late = [];
        for ($i = 0; $i < 21; $i++) {
            $late[] = self::milliseconds(static function () use ($transport, $streaming, $awaited): void {
                $exchange = $transport->start(new Request('/a.B/C', '', [], 0.05, $streaming, $awaited));
                self::assertSame(Code::DeadlineExceeded, $exchange->status()->code);
            }) - 50.0;
        }
        sort($late);

        // The median: a machine that is busy with other things may let any one of them wait.
        self::assertLessThan(10.0, $late[10]);
        self::assertGreaterThan(-5.0, $late[0]);
    }

    /** @return iterable<string, array{bool, bool}> */
    public static function ways(): iterable
    {
        yield 'awaited' => [false, true];
        yield 'among others' => [false, false];
        yield 'stream' => [true, false];
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

        self::assertLessThan(1000, $took);
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

        self::assertLessThan(1500, $took);
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

        self::assertLessThan(1500, $took);
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
