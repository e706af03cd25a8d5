<?php

declare(strict_types=1);

namespace Howdah\Client\Service;

use Google\Protobuf\Duration;
use Howdah\Client\Calls\Clock;
use Howdah\Client\Client;
use Howdah\Client\Exception\DeadlineExceeded;
use Howdah\Client\Exception\HowdahException;
use Howdah\Client\Exception\JobFailed;
use Howdah\Client\Exception\Unavailable;
use Howdah\Jobs\V1\Batch;
use Howdah\Jobs\V1\CancelBatchRequest;
use Howdah\Jobs\V1\CancelJobRequest;
use Howdah\Jobs\V1\ExplainJobRequest;
use Howdah\Jobs\V1\GetBatchRequest;
use Howdah\Jobs\V1\GetJobRequest;
use Howdah\Jobs\V1\Job;
use Howdah\Jobs\V1\JobsServiceClient;
use Howdah\Jobs\V1\JobState;
use Howdah\Jobs\V1\ListJobsRequest;
use Howdah\Jobs\V1\ListJobsResponse;
use Howdah\Jobs\V1\JobSpec;
use Howdah\Jobs\V1\ReplayDeadJobsRequest;
use Howdah\Jobs\V1\ReplayDeadJobsResponse;
use Howdah\Jobs\V1\RetryJobRequest;
use Howdah\Jobs\V1\SubmitBatchRequest;
use Howdah\Jobs\V1\SubmitBatchResponse;
use Howdah\Jobs\V1\SubmitChainRequest;
use Howdah\Jobs\V1\SubmitJobRequest;
use Howdah\Jobs\V1\SubmitJobResponse;
use Howdah\Jobs\V1\WaitJobRequest;
use Howdah\Jobs\V1\WatchJobRequest;

/** The tenant's jobs. Every method throws a HowdahException where it fails. */
final readonly class Jobs
{
    /** Seconds after which a watch is begun anew, so that a dead connection is noticed. */
    private const WATCH_SECONDS = 300.0;

    /** Seconds between two watches when the first has ended at once. */
    private const PAUSE_SECONDS = 0.5;

    private JobsServiceClient $stub;

    public function __construct(private Client $client, private Clock $clock)
    {
        $this->stub = $client->stub(JobsServiceClient::class, awaited: true);
    }

    /**
     * Submits a job by its kind. `getExisted()` tells that it was there already, where it exists `once`.
     *
     * @param string $idempotencyKey calls with the same key start one job; made where empty
     */
    public function submit(NewJob $job, string $idempotencyKey = ''): SubmitJobResponse
    {
        return $this->stub->SubmitJob((new SubmitJobRequest())
            ->setSpec($job->toMessage())->setIdempotencyKey($idempotencyKey))->answer();
    }

    /**
     * Submits jobs that are counted together, all or none.
     *
     * @param list<NewJob> $jobs
     * @param NewJob|null  $then runs when the last of them has ended, however it did
     */
    public function submitBatch(array $jobs, ?NewJob $then = null, string $idempotencyKey = ''): SubmitBatchResponse
    {
        $request = (new SubmitBatchRequest())->setJobs(self::messages($jobs))->setIdempotencyKey($idempotencyKey);
        $then === null || $request->setCallback($then->toMessage());

        return $this->stub->SubmitBatch($request)->answer();
    }

    /**
     * Submits jobs, all or none, of which each begins when the one before it has succeeded.
     *
     * @param list<NewJob> $jobs
     *
     * @return list<Job>
     */
    public function submitChain(array $jobs, string $idempotencyKey = ''): array
    {
        $request = (new SubmitChainRequest())->setJobs(self::messages($jobs))->setIdempotencyKey($idempotencyKey);

        return array_values(iterator_to_array($this->stub->SubmitChain($request)->answer()->getJobs()));
    }

    /** How many jobs of a batch have ended, and how. */
    public function getBatch(string $batchId): Batch
    {
        return $this->stub->GetBatch((new GetBatchRequest())->setBatchId($batchId))->answer()->getBatch();
    }

    /** Cancels what has not ended; what runs is asked to stop. Without `$withCallback` that runs after the last. */
    public function cancelBatch(string $batchId, bool $withCallback = false, string $idempotencyKey = ''): Batch
    {
        return $this->stub->CancelBatch((new CancelBatchRequest())
            ->setBatchId($batchId)->setWithCallback($withCallback)->setIdempotencyKey($idempotencyKey))->answer()->getBatch();
    }

    public function get(string $jobId): Job
    {
        return $this->stub->GetJob((new GetJobRequest())->setJobId($jobId))->answer()->getJob();
    }

    /** One page, the newest first. @param int $state a constant of JobState; unspecified for all */
    public function list(
        int $pageSize = 0,
        string $pageToken = '',
        int $state = JobState::JOB_STATE_UNSPECIFIED,
        string $kind = '',
        string $batchId = '',
    ): ListJobsResponse {
        return $this->stub->ListJobs((new ListJobsRequest())
            ->setPageSize($pageSize)->setPageToken($pageToken)->setState($state)->setKind($kind)->setBatchId($batchId))->answer();
    }

    /**
     * All jobs, the newest first, fetched page by page as they are read.
     *
     * @return \Generator<int, Job>
     */
    public function all(int $state = JobState::JOB_STATE_UNSPECIFIED, string $kind = '', string $batchId = ''): \Generator
    {
        return Pages::of(
            fn (string $token): ListJobsResponse => $this->list(0, $token, $state, $kind, $batchId),
            static fn (ListJobsResponse $page): iterable => $page->getJobs(),
        );
    }

    /** Waits up to 25 seconds on the node for the end of a job; returns it as it is then. */
    public function wait(string $jobId, int $seconds = 25): Job
    {
        return $this->stub->WaitJob((new WaitJobRequest())
            ->setJobId($jobId)->setTimeout((new Duration())->setSeconds($seconds)))->answer()->getJob();
    }

    /**
     * The job whenever it changes, until it has ended or the deadline of the call passes. The node also sends
     * it, unchanged, as a sign of life.
     *
     * @return \Generator<int, Job>
     */
    public function watch(string $jobId, int $afterSequence = 0): \Generator
    {
        $request = (new WatchJobRequest())->setJobId($jobId)->setAfterSequence($afterSequence);
        foreach ($this->stub->WatchJob($request)->messages() as $message) {
            yield $message->getJob();
        }
    }

    public function cancel(string $jobId, string $idempotencyKey = ''): Job
    {
        return $this->stub->CancelJob((new CancelJobRequest())
            ->setJobId($jobId)->setIdempotencyKey($idempotencyKey))->answer()->getJob();
    }

    /** Puts a job that did not succeed back into its queue. */
    public function retry(string $jobId, string $idempotencyKey = ''): Job
    {
        return $this->stub->RetryJob((new RetryJobRequest())
            ->setJobId($jobId)->setIdempotencyKey($idempotencyKey))->answer()->getJob();
    }

    /**
     * Puts dead and quarantined jobs back into their queues, the oldest first.
     *
     * @param int    $state   JOB_STATE_DEAD or JOB_STATE_QUARANTINED; unspecified for both
     * @param string $reason  only jobs whose last error has this reason
     * @param int    $maxJobs 1 to 1,000; 0 for 1,000
     * @param bool   $dryRun  changes nothing, and tells which they would be
     */
    public function replayDead(
        int $state = JobState::JOB_STATE_UNSPECIFIED,
        string $kind = '',
        string $reason = '',
        int $maxJobs = 0,
        bool $dryRun = false,
        string $idempotencyKey = '',
    ): ReplayDeadJobsResponse {
        return $this->stub->ReplayDeadJobs((new ReplayDeadJobsRequest())
            ->setState($state)->setKind($kind)->setReason($reason)->setMaxJobs($maxJobs)->setDryRun($dryRun)
            ->setIdempotencyKey($idempotencyKey))->answer();
    }

    /** Why a job is where it is, in one sentence for people. */
    public function explain(string $jobId): string
    {
        return $this->stub->ExplainJob((new ExplainJobRequest())->setJobId($jobId))->answer()->getExplanation();
    }

    /**
     * Follows a job to its end, also across restarts of the node.
     *
     * @param (\Closure(Job): void)|null $onProgress called for every change
     * @param float                      $timeout    seconds; the job goes on when they are over
     *
     * @throws JobFailed        where it ended in any way but success
     * @throws DeadlineExceeded where it has not ended in time
     * @throws HowdahException
     */
    public function waitFor(string $jobId, ?\Closure $onProgress = null, float $timeout = 3600.0): Job
    {
        $deadline = $this->clock->monotonic() + $timeout;
        $seen = 0;
        while (($left = $deadline - $this->clock->monotonic()) > 0) {
            $patient = new self($this->client->withTimeout(min($left, self::WATCH_SECONDS)), $this->clock);
            try {
                foreach ($patient->watch($jobId, $seen) as $job) {
                    if ((int) $job->getSequence() > $seen) {
                        $seen = (int) $job->getSequence();
                        $onProgress === null || $onProgress($job);
                    }
                    if (self::hasEnded($job)) {
                        return self::succeeded($job);
                    }
                }
            } catch (Unavailable | DeadlineExceeded) {
                // The job does not depend on who watches it: look again.
            }
            $this->clock->sleep(min(self::PAUSE_SECONDS, max(0.0, $deadline - $this->clock->monotonic())));
        }
        throw DeadlineExceeded::because(sprintf('The job %s has not ended within %.0f seconds. It goes on.', $jobId, $timeout));
    }

    /** Tells that nothing will happen to it any more by itself. */
    public static function hasEnded(Job $job): bool
    {
        return $job->getState() >= JobState::JOB_STATE_SUCCEEDED && $job->getState() !== JobState::JOB_STATE_HELD;
    }

    /**
     * @param list<NewJob> $jobs
     *
     * @return list<JobSpec>
     */
    private static function messages(array $jobs): array
    {
        return array_map(static fn (NewJob $job): JobSpec => $job->toMessage(), $jobs);
    }

    private static function succeeded(Job $job): Job
    {
        return $job->getState() === JobState::JOB_STATE_SUCCEEDED ? $job : throw JobFailed::of($job);
    }
}
