<?php

declare(strict_types=1);

namespace Howdah\Client\Service;

use Google\Protobuf\Timestamp;
use Howdah\Client\Client;
use Howdah\Jobs\V1\Job;
use Howdah\Schedules\V1\CreateScheduleRequest;
use Howdah\Schedules\V1\DeleteScheduleRequest;
use Howdah\Schedules\V1\GetScheduleRequest;
use Howdah\Schedules\V1\GetScheduleResponse;
use Howdah\Schedules\V1\ListSchedulesRequest;
use Howdah\Schedules\V1\ListSchedulesResponse;
use Howdah\Schedules\V1\PauseScheduleRequest;
use Howdah\Schedules\V1\PreviewScheduleRequest;
use Howdah\Schedules\V1\ResumeScheduleRequest;
use Howdah\Schedules\V1\RunScheduleRequest;
use Howdah\Schedules\V1\Schedule;
use Howdah\Schedules\V1\SchedulePlan;
use Howdah\Schedules\V1\SchedulesServiceClient;
use Howdah\Schedules\V1\UpdateScheduleRequest;

/** Jobs that the clock starts. Every method throws a HowdahException where it fails. */
final readonly class Schedules
{
    private SchedulesServiceClient $stub;

    public function __construct(Client $client)
    {
        $this->stub = $client->stub(SchedulesServiceClient::class, awaited: true);
    }

    /**
     * What a schedule does and when, for `create` and `update`; the policies are set on what it returns, such as
     * `->setOverlap(Overlap::OVERLAP_QUEUE)`.
     *
     * @param string               $cron     minute, hour, day of month, month, day of week: `30 3 * * *`
     * @param string               $kind     of the job, such as `documents.workbook`
     * @param array<string, mixed> $payload  what the job is given
     * @param string               $timeZone IANA name; the tenant's where empty
     */
    public static function plan(string $cron, string $kind, array $payload = [], string $timeZone = ''): SchedulePlan
    {
        return (new SchedulePlan())->setCron($cron)->setKind($kind)->setPayload(Payload::of($payload))->setTimeZone($timeZone);
    }

    /** @param string $scheduleId chosen by you, such as `nightly-sync` */
    public function create(string $scheduleId, SchedulePlan $plan, bool $paused = false, string $idempotencyKey = ''): Schedule
    {
        return $this->stub->CreateSchedule((new CreateScheduleRequest())
            ->setScheduleId($scheduleId)->setPlan($plan)->setPaused($paused)->setIdempotencyKey($idempotencyKey))->answer()->getSchedule();
    }

    /** Replaces the plan as a whole; take the one of `get` to change a part. */
    public function update(string $scheduleId, SchedulePlan $plan, string $idempotencyKey = ''): Schedule
    {
        return $this->stub->UpdateSchedule((new UpdateScheduleRequest())
            ->setScheduleId($scheduleId)->setPlan($plan)->setIdempotencyKey($idempotencyKey))->answer()->getSchedule();
    }

    /** The schedule, and what became of its latest fires. */
    public function get(string $scheduleId): GetScheduleResponse
    {
        return $this->stub->GetSchedule((new GetScheduleRequest())->setScheduleId($scheduleId))->answer();
    }

    /**
     * All schedules by id, fetched page by page as they are read.
     *
     * @return \Generator<int, Schedule>
     */
    public function all(): \Generator
    {
        return Pages::of(
            fn (string $token): ListSchedulesResponse => $this->stub->ListSchedules(
                (new ListSchedulesRequest())->setPageToken($token),
            )->answer(),
            static fn (ListSchedulesResponse $page): iterable => $page->getSchedules(),
        );
    }

    /** Deletes a schedule; jobs that it started go on. */
    public function delete(string $scheduleId, string $idempotencyKey = ''): void
    {
        $this->stub->DeleteSchedule((new DeleteScheduleRequest())
            ->setScheduleId($scheduleId)->setIdempotencyKey($idempotencyKey))->answer();
    }

    public function pause(string $scheduleId, string $idempotencyKey = ''): Schedule
    {
        return $this->stub->PauseSchedule((new PauseScheduleRequest())
            ->setScheduleId($scheduleId)->setIdempotencyKey($idempotencyKey))->answer()->getSchedule();
    }

    /** Lets a paused schedule fire again; what it would have fired meanwhile is not made up for. */
    public function resume(string $scheduleId, string $idempotencyKey = ''): Schedule
    {
        return $this->stub->ResumeSchedule((new ResumeScheduleRequest())
            ->setScheduleId($scheduleId)->setIdempotencyKey($idempotencyKey))->answer()->getSchedule();
    }

    /**
     * Starts the job of a schedule now.
     *
     * @param string $idempotencyKey calls with the same key start one job; made where empty
     */
    public function run(string $scheduleId, string $idempotencyKey = ''): Job
    {
        return $this->stub->RunSchedule((new RunScheduleRequest())
            ->setScheduleId($scheduleId)->setIdempotencyKey($idempotencyKey))->answer()->getJob();
    }

    /**
     * When a schedule fires next.
     *
     * @return list<\DateTimeImmutable> in UTC
     */
    public function preview(string $scheduleId, int $count = 10): array
    {
        return $this->times((new PreviewScheduleRequest())->setScheduleId($scheduleId)->setCount($count));
    }

    /**
     * When a cron expression comes true next.
     *
     * @param string $timeZone IANA name; the tenant's where empty
     *
     * @return list<\DateTimeImmutable> in UTC
     */
    public function previewCron(string $cron, string $timeZone = '', int $count = 10): array
    {
        return $this->times((new PreviewScheduleRequest())->setCron($cron)->setTimeZone($timeZone)->setCount($count));
    }

    /** @return list<\DateTimeImmutable> */
    private function times(PreviewScheduleRequest $request): array
    {
        return array_map(
            static fn (Timestamp $time): \DateTimeImmutable => new \DateTimeImmutable('@' . $time->getSeconds()),
            iterator_to_array($this->stub->PreviewSchedule($request)->answer()->getFireTimes(), false),
        );
    }
}
