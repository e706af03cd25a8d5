<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Node;

use Howdah\Client\Exception\AlreadyExists;
use Howdah\Client\Exception\InvalidArgument;
use Howdah\Client\Service\NewJob;
use Howdah\Jobs\V1\Job;
use Howdah\Jobs\V1\JobState;
use Howdah\Jobs\V1\UniquePolicy;

final class SubmittingTest extends NodeTestCase
{
    private static function workbook(): NewJob
    {
        return NewJob::of('documents.workbook', ['period' => 'last_day', 'currency' => 'XTS']);
    }

    public function test_a_job_is_submitted_by_its_kind_and_followed_to_its_end(): void
    {
        $jobs = self::client()->jobs();
        $key = self::unique('submitted-by-php');
        $first = $jobs->submit(self::workbook(), $key);
        $again = $jobs->submit(self::workbook(), $key);

        self::assertSame($first->getJob()->getJobId(), $again->getJob()->getJobId());
        self::assertFalse($first->getExisted());
        self::assertSame(JobState::JOB_STATE_SUCCEEDED, $jobs->waitFor($first->getJob()->getJobId(), timeout: 60)->getState());
    }

    public function test_a_job_that_exists_once_is_found_and_refused(): void
    {
        $jobs = self::client()->jobs();
        $name = self::unique('once');
        $later = self::workbook()->after(3600);
        $first = $jobs->submit($later->once($name));
        $second = $jobs->submit($later->once($name));

        self::assertTrue($second->getExisted());
        self::assertSame($first->getJob()->getJobId(), $second->getJob()->getJobId());
        try {
            $jobs->submit($later->once($name, UniquePolicy::UNIQUE_POLICY_REFUSE));
            self::fail('submitted twice');
        } catch (AlreadyExists $refused) {
            self::assertSame('JOB_EXISTS', $refused->reason());
        }
        self::assertSame(JobState::JOB_STATE_CANCELLED, $jobs->cancel($first->getJob()->getJobId())->getState());
    }

    public function test_a_batch_is_counted_and_followed_by_its_callback(): void
    {
        $jobs = self::client()->jobs();
        $submitted = $jobs->submitBatch([self::workbook(), self::workbook()], then: self::workbook());
        $batch = $submitted->getBatch();

        $jobs->waitFor($batch->getCallbackJobId(), timeout: 120);

        $counted = $jobs->getBatch($batch->getBatchId());
        self::assertSame([2, 0, 2], [$counted->getTotal(), $counted->getOpen(), $counted->getSucceeded()]);
        $ids = array_map(
            static fn (Job $job): string => $job->getJobId(),
            iterator_to_array($jobs->all(batchId: $batch->getBatchId()), false),
        );
        self::assertSame(array_reverse(iterator_to_array($submitted->getJobIds())), $ids);
    }

    public function test_a_batch_is_cancelled_with_its_callback(): void
    {
        $jobs = self::client()->jobs();
        $later = self::workbook()->after(3600);
        $batch = $jobs->submitBatch([$later, $later], then: self::workbook())->getBatch();

        $cancelled = $jobs->cancelBatch($batch->getBatchId(), withCallback: true);

        self::assertSame([0, 2], [$cancelled->getOpen(), $cancelled->getCancelled()]);
        self::assertSame(JobState::JOB_STATE_CANCELLED, $jobs->get($batch->getCallbackJobId())->getState());
    }

    public function test_the_steps_of_a_chain_follow_each_other(): void
    {
        $jobs = self::client()->jobs();
        $steps = $jobs->submitChain([self::workbook(), self::workbook()]);
        self::assertSame(JobState::JOB_STATE_HELD, $steps[1]->getState());
        self::assertSame($steps[1]->getJobId(), $steps[0]->getNextJobId());

        $last = $jobs->waitFor($steps[1]->getJobId(), timeout: 120);

        $first = $jobs->get($steps[0]->getJobId());
        self::assertSame(JobState::JOB_STATE_SUCCEEDED, $first->getState());
        self::assertLessThanOrEqual($last->getStartTime()->toDateTime(), $first->getFinishTime()->toDateTime());
    }

    public function test_a_payload_that_the_kind_does_not_read_is_refused_by_its_path(): void
    {
        try {
            self::client()->jobs()->submit(NewJob::of('documents.workbook', ['period' => 'last_century']));
            self::fail('submitted');
        } catch (InvalidArgument $refused) {
            self::assertSame('FIELDS_INVALID', $refused->reason());
            self::assertSame('spec.payload.period', $refused->fieldViolations()[0]->field);
        }
    }
}
