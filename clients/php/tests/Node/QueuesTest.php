<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Node;

use Howdah\Client\Exception\NotFound;
use Howdah\Client\Exception\PermissionDenied;
use Howdah\Jobs\V1\QueueStats;
use Howdah\Jobs\V1\TenantShare;

final class QueuesTest extends NodeTestCase
{
    public function test_a_tenant_sees_its_queues_and_the_places_there_are(): void
    {
        $stats = self::client()->queues()->stats();
        $places = array_map(static fn (QueueStats $queue): int => $queue->getPlaces(), iterator_to_array($stats->getQueues()));

        self::assertGreaterThan(0, array_sum($places));
        self::assertFalse($stats->getPaused());
    }

    public function test_a_tenants_key_sees_nothing_of_the_node(): void
    {
        $this->expectException(PermissionDenied::class);
        self::client()->queues()->node();
    }

    public function test_a_back_office_sees_the_node_and_its_workers(): void
    {
        $node = self::operator()->queues()->node(tenants: 1);
        $queues = array_map(static fn (QueueStats $queue): string => $queue->getQueue(), iterator_to_array($node->getQueues()));

        self::assertContains('default', $queues);
        self::assertGreaterThan(0, count($node->getWorkers()));
        self::assertGreaterThan(0, $node->getWorkers()[0]->getPlaces());
    }

    public function test_a_back_office_sets_a_share_and_what_it_does_not_name_stays(): void
    {
        $queues = self::operator()->queues();
        $tenant = self::client()->options()->tenant;
        self::assertSame([3, 7], self::numbers($queues->setShare($tenant, weight: 3, maxRunning: 7)));
        self::assertSame([2, 7], self::numbers($queues->setShare($tenant, weight: 2)));
        self::assertSame([2, 0], self::numbers($queues->setShare($tenant, maxRunning: 0)));
        self::assertSame([1, 0], self::numbers($queues->setShare($tenant, weight: 1)));
        $this->expectException(NotFound::class);
        $queues->setShare('nobody-of-this-name', weight: 2);
    }

    public function test_a_back_office_pauses_and_resumes_a_tenant(): void
    {
        $queues = self::operator()->queues();
        $tenant = self::client()->options()->tenant;
        try {
            self::assertTrue($queues->pause($tenant)->getPaused());
            self::assertTrue(self::client()->queues()->stats()->getPaused());
        } finally {
            self::assertFalse($queues->resume($tenant)->getPaused());
        }
    }

    /** @return array{int, int} */
    private static function numbers(TenantShare $share): array
    {
        return [$share->getWeight(), $share->getMaxRunningJobs()];
    }
}
