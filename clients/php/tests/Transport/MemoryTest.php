<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Transport;

use Howdah\Client\Client;
use Howdah\Client\Exception\FailedPrecondition;
use Howdah\Client\Tests\Support\MisbehavingServer;
use Howdah\Node\V1\NodeServiceClient;
use Howdah\Node\V1\PingRequest;

/** A worker that runs for days: HOWDAH_MEMORY_CALLS=100000 is the long form. */
final class MemoryTest extends TransportTestCase
{
    private const CALLS = 20_000;

    public function test_many_calls_in_one_process_leave_the_memory_flat(): void
    {
        $server = new MisbehavingServer(plain: true);
        $client = self::client($server->address());
        self::call($client, 2_000);
        [$ofPhp, $ofAll] = [memory_get_usage(), self::resident()];
        self::call($client, (int) (getenv('HOWDAH_MEMORY_CALLS') ?: self::CALLS));

        // Not ten bytes a call. libcurl's memory is not PHP's: the whole process is looked at as well.
        self::assertLessThan(100_000, memory_get_usage() - $ofPhp);
        self::assertLessThan(2 * 1024 * 1024, self::resident() - $ofAll);
    }

    /** Most are awaited; one in ten is under way with others, one in a hundred fails. */
    private static function call(Client $client, int $count): void
    {
        $node = $client->node();
        $stub = $client->stub(NodeServiceClient::class);
        for ($i = 0; $i < $count; $i++) {
            if ($i % 100 === 0) {
                try {
                    $node->ping('status:9');
                    self::fail('answered well');
                } catch (FailedPrecondition) {
                }
            } elseif ($i % 10 === 0) {
                $stub->Ping((new PingRequest())->setMessage('x'))->answer();
            } else {
                $node->ping('x');
            }
        }
    }

    private static function resident(): int
    {
        preg_match('/^VmRSS:\s+(\d+) kB/m', (string) file_get_contents('/proc/self/status'), $found);

        return (int) $found[1] * 1024;
    }
}
