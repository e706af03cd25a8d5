<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Node;

use Howdah\Client\Exception\AlreadyExists;
use Howdah\Client\Exception\InvalidArgument;
use Howdah\Client\Exception\NotFound;
use Howdah\Client\Service\Schedules;
use Howdah\Jobs\V1\JobState;
use Howdah\Schedules\V1\CatchUp;
use Howdah\Schedules\V1\FireResult;
use Howdah\Schedules\V1\Overlap;
use Howdah\Schedules\V1\SchedulePlan;

final class SchedulesTest extends NodeTestCase
{
    /** @var list<string> */
    private array $made = [];

    protected function tearDown(): void
    {
        foreach ($this->made as $id) {
            try {
                self::client()->schedules()->delete($id);
            } catch (NotFound) {
                // The test has deleted it.
            }
        }
    }

    private function newId(): string
    {
        return $this->made[] = self::unique('php');
    }

    private static function plan(string $cron = '30 3 * * *', string $timeZone = ''): SchedulePlan
    {
        return Schedules::plan($cron, 'documents.workbook', ['start_date' => '2026-01-01', 'end_date' => '2026-02-01'], $timeZone);
    }

    public function test_a_schedule_is_created_read_changed_and_deleted(): void
    {
        $schedules = self::client()->schedules();
        $id = $this->newId();
        $made = $schedules->create($id, self::plan(timeZone: 'Europe/Berlin')->setOverlap(Overlap::OVERLAP_QUEUE));

        self::assertSame('Europe/Berlin', $made->getPlan()->getTimeZone());
        self::assertGreaterThan(time(), (int) $made->getNextFireTime()->getSeconds());
        $read = $schedules->get($id)->getSchedule();
        self::assertSame(Overlap::OVERLAP_QUEUE, $read->getPlan()->getOverlap());
        self::assertSame('2026-01-01', $read->getPlan()->getPayload()->getFields()['start_date']->getStringValue());

        $changed = $schedules->update($id, $read->getPlan()->setCron('0 4 * * *')->setCatchUp(CatchUp::CATCH_UP_SKIP));
        self::assertSame('0 4 * * *', $changed->getPlan()->getCron());
        self::assertSame(Overlap::OVERLAP_QUEUE, $changed->getPlan()->getOverlap());
        $ids = array_map(static fn ($schedule): string => $schedule->getScheduleId(), iterator_to_array($schedules->all(), false));
        self::assertContains($id, $ids);

        $schedules->delete($id);
        $this->expectException(NotFound::class);
        $schedules->get($id);
    }

    public function test_a_paused_schedule_is_run_by_hand_and_resumed(): void
    {
        $client = self::client();
        $schedules = $client->schedules();
        $id = $this->newId();
        self::assertTrue($schedules->create($id, self::plan(), paused: true)->getPaused());

        $key = self::unique('run-of-today');
        $job = $schedules->run($id, $key);
        self::assertSame($job->getJobId(), $schedules->run($id, $key)->getJobId());
        self::assertSame(JobState::JOB_STATE_SUCCEEDED, $client->jobs()->waitFor($job->getJobId(), timeout: 60)->getState());
        $fires = $schedules->get($id)->getFires();
        self::assertCount(1, $fires);
        self::assertTrue($fires[0]->getManual());
        self::assertSame(FireResult::FIRE_RESULT_SUBMITTED, $fires[0]->getResult());
        self::assertSame($job->getJobId(), $fires[0]->getJobId());

        self::assertTrue($schedules->resume($id)->hasNextFireTime());
        self::assertFalse($schedules->pause($id)->hasNextFireTime());
    }

    public function test_the_next_fires_are_told(): void
    {
        $schedules = self::client()->schedules();
        $id = $this->newId();
        $schedules->create($id, self::plan(timeZone: 'Asia/Kolkata'));
        $shown = static fn (\DateTimeImmutable $time): string => $time->format('H:i e');

        self::assertSame(array_fill(0, 3, '22:00 +00:00'), array_map($shown, $schedules->preview($id, 3)));
        $mondays = $schedules->previewCron('0 9 * * MON', 'UTC', 2);
        self::assertSame(['Mon 09:00', 'Mon 09:00'], array_map(static fn (\DateTimeImmutable $time): string => $time->format('D H:i'), $mondays));
        self::assertSame(7, $mondays[0]->diff($mondays[1])->days);
    }

    public function test_what_cannot_be_scheduled_is_refused(): void
    {
        $schedules = self::client()->schedules();
        $id = $this->newId();
        $schedules->create($id, self::plan());
        $reasons = [];
        foreach ([
            static fn () => $schedules->create($id, self::plan()),
            static fn () => $schedules->update($id, self::plan('61 * * * *')),
            static fn () => $schedules->update($id, self::plan()->setKind('nothing')),
        ] as $call) {
            try {
                $call();
            } catch (AlreadyExists | InvalidArgument $refused) {
                $reasons[] = $refused->reason();
            }
        }

        self::assertSame(['RESOURCE_EXISTS', 'FIELDS_INVALID', 'JOB_KIND_UNKNOWN'], $reasons);
    }
}
