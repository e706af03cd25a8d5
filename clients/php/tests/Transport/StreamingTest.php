<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Transport;

use Howdah\Client\Client;
use Howdah\Client\Exception\Aborted;
use Howdah\Client\Exception\DeadlineExceeded;
use Howdah\Client\Exception\Unavailable;
use Howdah\Client\Tests\Support\MisbehavingServer;
use Howdah\Jobs\V1\JobsServiceClient;
use Howdah\Jobs\V1\WatchJobRequest;
use Howdah\Node\V1\NodeServiceClient;
use Howdah\Node\V1\PingRequest;

final class StreamingTest extends TransportTestCase
{
    public function test_messages_come_one_by_one_as_they_are_sent(): void
    {
        $arrivals = [];
        $start = hrtime(true);
        foreach (self::client()->jobs()->watch('count:4:0.1') as $job) {
            $arrivals[] = [(int) $job->getSequence(), (hrtime(true) - $start) / 1e9];
        }

        self::assertSame([1, 2, 3, 4], array_column($arrivals, 0));
        self::assertLessThan(0.1, $arrivals[0][1]);
        self::assertGreaterThan(0.28, $arrivals[3][1]);
    }

    public function test_the_stub_s_responses_and_status_work_as_in_grpc(): void
    {
        $call = self::client()->stub(JobsServiceClient::class)->WatchJob((new WatchJobRequest())->setJobId('fail:2:10'));
        $read = iterator_to_array($call->responses(), false);

        self::assertCount(2, $read);
        self::assertSame(\Grpc\STATUS_ABORTED, $call->getStatus()->code);
        self::assertSame('half-way', $call->getStatus()->details);
    }

    public function test_a_failure_in_mid_stream_is_thrown_after_the_messages_before_it(): void
    {
        $read = 0;
        try {
            foreach (self::client(retries: 3)->jobs()->watch('fail:3:10') as $ignored) {
                $read++;
            }
            self::fail('ended well');
        } catch (Aborted) {
            self::assertSame(3, $read);
        }
    }

    public function test_a_stream_that_fails_before_its_first_message_is_tried_again_and_not_after(): void
    {
        $name = bin2hex(random_bytes(4));
        self::assertCount(2, iterator_to_array(self::client(retries: 3)->jobs()->watch("flaky:2:$name"), false));

        $client = self::client(retries: 3);
        $read = 0;
        try {
            foreach ($client->jobs()->watch("fail:2:14:$name") as $ignored) {
                $read++;
            }
        } catch (Unavailable) {
        }
        self::assertSame(2, $read);
        self::assertSame('0', self::ping($client, "seen:fail:2:14:$name:again"));
    }

    public function test_a_deadline_holds_in_mid_stream(): void
    {
        // Ten seconds of messages, of which half a second is read; how many that are is the machine's affair.
        $start = hrtime(true);
        $read = 0;
        try {
            foreach (self::client()->withTimeout(0.5)->jobs()->watch('count:100:0.1') as $ignored) {
                $read++;
            }
            self::fail('ended well');
        } catch (DeadlineExceeded) {
            $took = (hrtime(true) - $start) / 1e9;
            self::assertGreaterThan(0, $read);
            self::assertLessThanOrEqual(6, $read);
            self::assertGreaterThan(0.49, $took);
            self::assertLessThan(2.0, $took);
        }
    }

    public function test_an_abandoned_stream_is_cancelled_on_the_server(): void
    {
        $client = self::client();
        $id = 'count:1000:0.02:' . bin2hex(random_bytes(4));
        foreach ($client->jobs()->watch($id) as $job) {
            if ((int) $job->getSequence() === 3) {
                break;
            }
        }
        unset($job);

        self::assertTrue(self::becomesTrue(static fn (): bool => self::ping($client, "cancelled:$id") === 'True'));
    }

    public function test_a_stream_that_is_abandoned_without_another_call_is_cancelled_too(): void
    {
        $id = 'count:1000:0.02:' . bin2hex(random_bytes(4));
        $client = self::client();
        foreach ($client->jobs()->watch($id) as $ignored) {
            break;
        }
        usleep(100_000);

        // Another client, another connection: nothing but the cancellation itself can have told the server.
        self::assertTrue(self::becomesTrue(static fn (): bool => self::ping(self::client(), "cancelled:$id") === 'True'));
    }

    public function test_a_slow_reader_holds_the_server_back_and_loses_nothing(): void
    {
        $client = self::client();
        $sum = 0;
        $most = 0;
        foreach ($client->jobs()->watch('wide:400:100000') as $number => $job) {
            $sum += strlen($job->getProgress()->getMessage());
            if ($number % 50 === 0) {
                self::assertSame('meanwhile', self::ping($client, 'meanwhile'));
                $most = max($most, memory_get_usage());
            }
        }

        self::assertSame(400 * 100_000, $sum);
        self::assertLessThan(40 * 1024 * 1024, $most);
    }

    public function test_ten_thousand_messages_are_read_in_flat_memory(): void
    {
        $client = self::client();
        $start = 0;
        $count = 0;
        foreach ($client->jobs()->watch('count:10000') as $ignored) {
            if (++$count === 1000) {
                $start = memory_get_usage();
            }
        }

        self::assertSame(10_000, $count);
        self::assertLessThan(2 * 1024 * 1024, memory_get_usage() - $start);
    }

    public function test_ten_calls_at_once_take_the_time_of_one(): void
    {
        $client = self::client();
        $start = hrtime(true);
        $calls = [];
        for ($i = 0; $i < 10; $i++) {
            $calls[] = self::begin($client, 'sleep:0.2');
        }
        foreach ($calls as $call) {
            $call->answer();
        }

        self::assertLessThan(0.6, (hrtime(true) - $start) / 1e9);
    }

    public function test_calls_at_once_with_answers_of_all_sizes_are_all_answered(): void
    {
        $client = self::client();
        for ($round = 0; $round < 20; $round++) {
            $calls = [];
            for ($i = 0; $i < 12; $i++) {
                $calls[] = self::begin($client, $i % 3 === 0 ? 'big:' . random_int(1, 300_000) : 'small');
            }
            foreach ($calls as $call) {
                $call->answer();
            }
        }
        $this->addToAssertionCount(1);
    }

    public function test_a_server_that_dies_in_mid_stream_is_unavailable(): void
    {
        $server = new MisbehavingServer(plain: true);
        $read = 0;
        try {
            foreach (self::client($server->address(), retries: 2)->jobs()->watch('die:2') as $ignored) {
                $read++;
            }
            self::fail('ended well');
        } catch (Unavailable) {
            self::assertSame(2, $read);
        }
    }

    private static function begin(Client $client, string $message): object
    {
        return $client->stub(NodeServiceClient::class)->Ping((new PingRequest())->setMessage($message));
    }

    private static function becomesTrue(\Closure $condition): bool
    {
        for ($i = 0; $i < 40; $i++) {
            if ($condition()) {
                return true;
            }
            usleep(50_000);
        }

        return false;
    }
}
