<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Transport;

use Howdah\Client\Breaker\Breaker;
use Howdah\Client\Breaker\MemoryStore;
use Howdah\Client\Client;
use Howdah\Client\Exception\CircuitOpen;
use Howdah\Client\Exception\TransportException;
use Howdah\Client\Exception\Unavailable;
use Howdah\Client\Tests\Support\MisbehavingServer;
use Howdah\Client\Transport\Tls;

final class ConnectionTest extends TransportTestCase
{
    public function test_calls_one_after_the_other_use_one_connection(): void
    {
        $client = self::client();
        $peers = [];
        for ($i = 0; $i < 20; $i++) {
            $peers[] = self::ping($client, 'peer');
        }

        self::assertCount(1, array_unique($peers));
    }

    public function test_a_copy_of_a_client_uses_the_same_connection(): void
    {
        $client = self::client();

        self::assertSame(self::ping($client, 'peer'), self::ping($client->tenant('globex')->withTimeout(3), 'peer'));
    }

    public function test_a_unix_socket_works(): void
    {
        $client = self::client(MisbehavingServer::shared()->address('unix'));

        self::assertSame('x', self::ping($client, 'x'));
        self::assertStringStartsWith('HOWDAH', self::ping($client, 'signature'));
    }

    public function test_tls_with_a_certificate_of_one_s_own_works_from_a_path_and_from_text(): void
    {
        $server = MisbehavingServer::shared();
        foreach ([$server->address('certificate'), (string) file_get_contents($server->address('certificate'))] as $authority) {
            $client = self::client($server->address('tls'), tls: new Tls($authority));
            self::assertSame('x', self::ping($client, 'x'));
            self::assertSame(self::ping($client, 'peer'), self::ping($client, 'peer'));
        }
    }

    public function test_mutual_tls_works_from_text(): void
    {
        $server = MisbehavingServer::shared();
        $pem = static fn (string $kind): string => (string) file_get_contents($server->address($kind));
        $client = self::client($server->address('mtls'), tls: new Tls($pem('certificate'), $pem('certificate'), $pem('key')));

        self::assertSame('x', self::ping($client, 'x'));
    }

    public function test_a_certificate_that_is_not_trusted_is_a_matter_of_configuration(): void
    {
        try {
            self::ping(self::client(MisbehavingServer::shared()->address('tls'), retries: 3), 'x');
            self::fail('trusted');
        } catch (TransportException $refused) {
            self::assertFalse($refused->isRetryable());
            self::assertStringContainsString('certificate', $refused->getMessage());
        }
    }

    /** @dataProvider deadEnds */
    public function test_what_cannot_be_reached_is_unavailable(string $address): void
    {
        $address = str_contains($address, ':') ? $address : MisbehavingServer::shared()->address($address);
        $this->expectException(Unavailable::class);
        self::ping(self::client($address)->withTimeout(3), 'x');
    }

    /** @return iterable<string, array{string}> */
    public static function deadEnds(): iterable
    {
        yield 'refused' => ['127.0.0.1:1'];
        yield 'unknown host' => ['no-such-host.invalid:50051'];
        yield 'no such socket' => ['unix:/nowhere/howdah.sock'];
        yield 'a server that speaks HTTP/1.1' => ['http1'];
        yield 'a server that hangs up' => ['hangup'];
    }

    public function test_a_server_killed_in_mid_call_is_unavailable(): void
    {
        $server = new MisbehavingServer(plain: true);
        $client = self::client($server->address());
        self::ping($client, 'x');
        $this->expectException(Unavailable::class);
        self::ping($client, 'die');
    }

    public function test_a_client_finds_a_restarted_server_by_itself(): void
    {
        $server = new MisbehavingServer(plain: true);
        $client = self::client($server->address());
        $pid = self::ping($client, 'pid');
        $port = $server->port();
        $server->stop();
        try {
            self::ping($client, 'x');
            self::fail('answered by nobody');
        } catch (Unavailable) {
        }
        $server = new MisbehavingServer(plain: true, port: $port);

        self::assertNotSame($pid, self::ping($client, 'pid'));
        self::assertSame(self::ping($client, 'peer'), self::ping($client, 'peer'));
    }

    public function test_a_connection_that_was_closed_while_idle_costs_no_failure(): void
    {
        $server = new MisbehavingServer(plain: true);
        $client = self::client($server->address());
        $pid = self::ping($client, 'pid');
        $port = $server->port();
        $server->stop();
        $server = new MisbehavingServer(plain: true, port: $port);

        self::assertNotSame($pid, self::ping($client, 'pid'));
        for ($i = 0; $i < 5; $i++) {
            self::assertSame('x', self::ping($client, 'x'));
        }
    }

    public function test_a_call_that_died_on_the_way_is_not_sent_again_behind_the_caller_s_back(): void
    {
        // The server dies on the first attempt; were libcurl to repeat it, the second server would die too.
        $server = new MisbehavingServer(plain: true);
        $client = self::client($server->address());
        self::ping($client, 'x');
        $port = $server->port();
        $call = $client->stub(\Howdah\Node\V1\NodeServiceClient::class)
            ->Ping((new \Howdah\Node\V1\PingRequest())->setMessage('sleep:5'));
        usleep(50_000);
        $server->stop();
        $server = new MisbehavingServer(plain: true, port: $port);
        [, $status] = $call->wait();

        self::assertSame(\Grpc\STATUS_UNAVAILABLE, $status->code);
        self::assertSame('0', self::ping($client, 'seen:sleep:5'));
    }

    public function test_after_close_the_next_call_connects_again(): void
    {
        $client = self::client();
        $peer = self::ping($client, 'peer');
        $client->close();

        self::assertNotSame($peer, self::ping($client, 'peer'));
    }

    public function test_a_forked_child_opens_a_connection_of_its_own(): void
    {
        $client = self::client();
        $peer = self::ping($client, 'peer');
        $report = tempnam(sys_get_temp_dir(), 'howdah');
        $child = pcntl_fork();
        if ($child === 0) {
            file_put_contents($report, self::ping($client, 'peer'));
            // Without the clean-up of the test run, which is the parent's.
            posix_kill(getmypid(), SIGKILL);
        }
        pcntl_waitpid($child, $state);
        $ofChild = (string) file_get_contents($report);
        unlink($report);

        self::assertNotSame('', $ofChild);
        self::assertNotSame($peer, $ofChild);
        self::assertSame($peer, self::ping($client, 'peer'));
    }

    public function test_a_node_that_is_down_is_left_alone_and_found_again(): void
    {
        $server = new MisbehavingServer(plain: true);
        $port = $server->port();
        $client = self::client($server->address())->withBreaker(new Breaker(new MemoryStore(), failures: 3, pause: 0.5));
        self::ping($client, 'x');
        $server->stop();
        $seen = $fastest = [];
        for ($i = 0; $i < 6; $i++) {
            $began = hrtime(true);
            try {
                self::ping($client, 'x');
                self::fail('answered by nobody');
            } catch (Unavailable $away) {
                $seen[] = $away instanceof CircuitOpen;
                $fastest[] = (hrtime(true) - $began) / 1e6;
            }
        }
        self::assertSame([false, false, false, true, true, true], $seen);
        self::assertLessThan(1.0, min(array_slice($fastest, 3)));

        $server = new MisbehavingServer(plain: true, port: $port);
        $until = hrtime(true) + 5e9;
        do {
            $outcome = $client->try(static fn (Client $client): string => self::ping($client, 'back'));
        } while (!$outcome->ok && hrtime(true) < $until);
        self::assertSame('back', $outcome->orThrow());
    }
}
