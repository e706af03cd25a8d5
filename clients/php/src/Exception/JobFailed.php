<?php

declare(strict_types=1);

namespace Howdah\Client\Exception;

use Howdah\Client\Code;
use Howdah\Client\Failure\Failure;
use Howdah\Jobs\V1\Job;
use Howdah\Jobs\V1\JobState;

/** A job that was waited for ended without success. */
final class JobFailed extends Failed
{
    private ?Job $job = null;

    public static function of(Job $job): self
    {
        $failure = $job->hasError() ? Failure::fromError($job->getError()) : new Failure(
            $job->getState() === JobState::JOB_STATE_CANCELLED ? Code::Cancelled : Code::Unknown,
            sprintf('The job %s ended as %s.', $job->getJobId(), substr(JobState::name($job->getState()), strlen('JOB_STATE_'))),
            correlationId: $job->getCorrelationId(),
        );
        $failed = new self($failure);
        $failed->job = $job;

        return $failed;
    }

    public function job(): ?Job
    {
        return $this->job;
    }
}
