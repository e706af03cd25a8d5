<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Unit;

use Howdah\Client\Service\Jobs;
use Howdah\Client\Service\NewJob;
use Howdah\Jobs\V1\Job;
use Howdah\Jobs\V1\JobPriority;
use Howdah\Jobs\V1\JobState;
use Howdah\Jobs\V1\UniquePolicy;
use PHPUnit\Framework\TestCase;

final class NewJobTest extends TestCase
{
    public function test_it_says_what_when_and_how_often(): void
    {
        $spec = NewJob::of('documents.workbook', ['period' => 'last_month', 'n' => 3, 'list' => [1.5, null]])
            ->after(90.25)
            ->expiringAfter(3600)
            ->withPriority(JobPriority::JOB_PRIORITY_BULK)
            ->once('monthly', UniquePolicy::UNIQUE_POLICY_REFUSE)
            ->toMessage();

        self::assertSame('documents.workbook', $spec->getKind());
        self::assertEquals(
            ['period' => 'last_month', 'n' => 3, 'list' => [1.5, null]],
            json_decode($spec->getPayload()->serializeToJsonString(), true),
        );
        self::assertSame([90, 250_000_000], [(int) $spec->getDelay()->getSeconds(), $spec->getDelay()->getNanos()]);
        self::assertSame(3600, (int) $spec->getExpireAfter()->getSeconds());
        self::assertSame(JobPriority::JOB_PRIORITY_BULK, $spec->getPriority());
        self::assertSame(['monthly', UniquePolicy::UNIQUE_POLICY_REFUSE], [$spec->getUnique()->getKey(), $spec->getUnique()->getPolicy()]);
        self::assertFalse($spec->hasRunTime());
    }

    public function test_a_time_keeps_its_microseconds(): void
    {
        $at = new \DateTimeImmutable('2026-12-24 18:00:00.250000 +01:00');
        $time = NewJob::of('k')->at($at)->toMessage()->getRunTime();

        self::assertSame([$at->getTimestamp(), 250_000_000], [(int) $time->getSeconds(), $time->getNanos()]);
    }

    public function test_a_change_leaves_the_one_it_came_from(): void
    {
        $plain = NewJob::of('k');
        $plain->after(5)->once('x');

        self::assertFalse($plain->toMessage()->hasDelay());
        self::assertFalse($plain->toMessage()->hasUnique());
        $plain->toMessage()->setKind('changed');
        self::assertSame('k', $plain->toMessage()->getKind());
    }

    public function test_a_priority_that_does_not_exist_is_refused(): void
    {
        $this->expectException(\UnexpectedValueException::class);
        NewJob::of('k')->withPriority(17);
    }

    public function test_a_job_that_is_held_has_not_ended(): void
    {
        foreach (['HELD' => false, 'QUEUED' => false, 'RUNNING' => false, 'SUCCEEDED' => true, 'QUARANTINED' => true] as $name => $ended) {
            self::assertSame($ended, Jobs::hasEnded((new Job())->setState(JobState::value("JOB_STATE_$name"))), $name);
        }
    }
}
