<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Unit;

use Howdah\Client\Calls\Caller;
use Howdah\Client\Client;
use Howdah\Client\Code;
use Howdah\Client\Exception\DeadlineExceeded;
use Howdah\Client\Exception\JobFailed;
use Howdah\Client\Exception\PermissionDenied;
use Howdah\Client\Options;
use Howdah\Client\Tests\Support\FakeClock;
use Howdah\Client\Tests\Support\ScriptedTransport;
use Howdah\Client\Transport\Status;
use Howdah\Jobs\V1\ExplainJobRequest;
use Howdah\Jobs\V1\ExplainJobResponse;
use Howdah\Jobs\V1\Job;
use Howdah\Jobs\V1\JobState;
use Howdah\Jobs\V1\ReplayDeadJobsRequest;
use Howdah\Jobs\V1\ReplayDeadJobsResponse;
use Howdah\Jobs\V1\WatchJobRequest;
use Howdah\Jobs\V1\WatchJobResponse;
use PHPUnit\Framework\TestCase;

final class JobsTest extends TestCase
{
    private FakeClock $clock;
    private ScriptedTransport $transport;

    /** @param list<array{list<string>, Status}> $script */
    private function client(array $script): Client
    {
        $this->clock = new FakeClock();
        $this->transport = new ScriptedTransport($script);

        return new Client(new Caller($this->transport, (new Options())->withRetries(0), $this->clock, static fn (): float => 0.0));
    }

    private static function change(int $sequence, int $state = JobState::JOB_STATE_RUNNING): string
    {
        return (new WatchJobResponse())
            ->setJob((new Job())->setJobId('j')->setSequence($sequence)->setState($state))
            ->serializeToString();
    }

    public function test_a_broken_watch_goes_on_where_it_was_and_tells_each_change_once(): void
    {
        $client = $this->client([
            [[self::change(1), self::change(2), self::change(2)], new Status(Code::Unavailable)],
            [[], new Status(Code::Unavailable)],
            [[self::change(2), self::change(3, JobState::JOB_STATE_SUCCEEDED)], new Status(Code::Ok)],
        ]);
        $seen = [];
        $job = $client->jobs()->waitFor('j', static function (Job $job) use (&$seen): void {
            $seen[] = (int) $job->getSequence();
        });

        self::assertSame([1, 2, 3], $seen);
        self::assertSame(JobState::JOB_STATE_SUCCEEDED, $job->getState());
        $after = [];
        foreach ($this->transport->requests as $request) {
            $message = new WatchJobRequest();
            $message->mergeFromString($request->message);
            $after[] = (int) $message->getAfterSequence();
        }
        self::assertSame([0, 2, 2], $after);
    }

    public function test_waiting_ends_when_the_time_is_over_though_the_job_goes_on(): void
    {
        $client = $this->client([[[self::change(1)], new Status(Code::DeadlineExceeded)]]);
        try {
            $client->jobs()->waitFor('j', timeout: 2.0);
            self::fail('ended');
        } catch (DeadlineExceeded $late) {
            self::assertSame(Code::DeadlineExceeded, $late->status());
            self::assertEqualsWithDelta(2.0, array_sum($this->clock->slept), 1e-9);
        }
    }

    public function test_a_job_is_explained_and_dead_ones_are_counted_before_they_are_replayed(): void
    {
        $client = $this->client([
            [[(new ExplainJobResponse())->setExplanation('It is over, dead.')->serializeToString()], new Status(Code::Ok)],
            [[(new ReplayDeadJobsResponse())->setJobIds(['j'])->setMore(true)->serializeToString()], new Status(Code::Ok)],
        ]);

        self::assertSame('It is over, dead.', $client->jobs()->explain('j'));
        $found = $client->jobs()->replayDead(JobState::JOB_STATE_DEAD, 'records.import', 'JOB_BROKEN', 1, dryRun: true);
        self::assertSame(['j'], iterator_to_array($found->getJobIds()));
        self::assertTrue($found->getMore());
        [$explain, $replay] = [new ExplainJobRequest(), new ReplayDeadJobsRequest()];
        $explain->mergeFromString($this->transport->requests[0]->message);
        $replay->mergeFromString($this->transport->requests[1]->message);
        self::assertSame('j', $explain->getJobId());
        self::assertSame(
            [JobState::JOB_STATE_DEAD, 'records.import', 'JOB_BROKEN', 1, true],
            [$replay->getState(), $replay->getKind(), $replay->getReason(), $replay->getMaxJobs(), $replay->getDryRun()],
        );
    }

    public function test_a_refusal_is_not_waited_out(): void
    {
        $this->expectException(PermissionDenied::class);
        $this->client([[[], new Status(Code::PermissionDenied)]])->jobs()->waitFor('j');
    }

    public function test_every_end_but_success_is_thrown(): void
    {
        foreach ([JobState::JOB_STATE_FAILED, JobState::JOB_STATE_DEAD, JobState::JOB_STATE_CANCELLED, JobState::JOB_STATE_EXPIRED, JobState::JOB_STATE_QUARANTINED] as $state) {
            try {
                $this->client([[[self::change(1, $state)], new Status(Code::Ok)]])->jobs()->waitFor('j');
                self::fail('returned');
            } catch (JobFailed $failed) {
                self::assertSame($state, $failed->job()?->getState());
            }
        }
    }
}
