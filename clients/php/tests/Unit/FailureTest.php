<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Unit;

use Howdah\Client\Code;
use Howdah\Client\Exception\Failed;
use Howdah\Client\Exception\HowdahException;
use Howdah\Client\Exception\InvalidArgument;
use Howdah\Client\Exception\JobFailed;
use Howdah\Client\Failure\Failure;
use Howdah\Client\Failure\FieldViolation as Violation;
use Howdah\Client\Tests\Support\Statuses;
use Howdah\Client\Transport\Status;
use Howdah\Common\V1\Error;
use Howdah\Common\V1\FieldViolation;
use Howdah\Jobs\V1\Job;
use Howdah\Jobs\V1\JobState;
use PHPUnit\Framework\TestCase;

final class FailureTest extends TestCase
{
    public function test_every_detail_of_a_status_reaches_the_exception(): void
    {
        $violation = Statuses::field(1, 'start_date') . Statuses::field(2, 'is no date');
        $entry = Statuses::field(1, 'max') . Statuses::field(2, '3660');
        $details = "\x08\x03" . Statuses::field(2, 'Fields are wrong.')
            . Statuses::any('ErrorInfo', Statuses::field(1, 'FIELDS_INVALID') . Statuses::field(2, 'howdah') . Statuses::field(3, $entry))
            . Statuses::any('BadRequest', Statuses::field(1, $violation))
            . Statuses::any('RetryInfo', Statuses::field(1, "\x08\x01\x10\x81\x80\x80\x01"))
            . Statuses::any('RequestInfo', Statuses::field(1, '4ba193f8-c1fd-4c98-bf49-d9c99beaef8d'))
            . Statuses::any('Help', 'whatever');
        $exception = Failure::fromStatus(
            new Status(Code::InvalidArgument, 'Fields are wrong.', ['grpc-status-details-bin' => [$details]]),
        )->exception();

        self::assertInstanceOf(InvalidArgument::class, $exception);
        self::assertSame(3, $exception->getCode());
        self::assertSame(Code::InvalidArgument, $exception->status());
        self::assertSame('FIELDS_INVALID', $exception->reason());
        self::assertSame(['max' => '3660'], $exception->metadata());
        self::assertSame('start_date', $exception->fieldViolations()[0]->field);
        self::assertSame('is no date', $exception->fieldViolations()[0]->description);
        self::assertSame(1003, $exception->retryAfterMs());
        self::assertSame('4ba193f8-c1fd-4c98-bf49-d9c99beaef8d', $exception->correlationId());
        self::assertFalse($exception->isRetryable(), 'the contract says so of this reason');
        self::assertSame(
            'Fields are wrong. [FIELDS_INVALID] start_date: is no date (correlation id 4ba193f8-c1fd-4c98-bf49-d9c99beaef8d)',
            $exception->getMessage(),
        );
    }

    public function test_damaged_details_leave_the_status_standing(): void
    {
        $failure = Failure::fromStatus(new Status(Code::NotFound, 'gone', ['grpc-status-details-bin' => ["\x0a\xff"]]), 'id');

        self::assertSame([Code::NotFound, 'gone', '', 'id'], [$failure->code, $failure->message, $failure->reason, $failure->correlationId]);
    }

    public function test_each_code_has_an_exception_of_its_own(): void
    {
        $classes = [];
        foreach (Code::cases() as $code) {
            $exception = (new Failure($code, 'x'))->exception();
            self::assertInstanceOf(HowdahException::class, $exception);
            self::assertInstanceOf(Failed::class, $exception);
            $classes[] = $exception::class;
        }
        // OK is no failure; it shares the class of UNKNOWN.
        self::assertCount(16, array_unique($classes));
    }

    public function test_the_contract_decides_whether_a_reason_can_be_retried_and_the_code_where_there_is_none(): void
    {
        self::assertTrue((new Failure(Code::Unauthenticated, '', 'TIMESTAMP_SKEW'))->isRetryable());
        self::assertFalse((new Failure(Code::Aborted, '', 'RESOURCE_EXISTS'))->isRetryable());
        self::assertTrue((new Failure(Code::Unavailable, ''))->isRetryable());
        self::assertFalse((new Failure(Code::NotFound, ''))->isRetryable());
        self::assertTrue((new Failure(Code::ResourceExhausted, '', retryAfterMs: 5))->isRetryable());
        self::assertFalse((new Failure(Code::ResourceExhausted, ''))->isRetryable());
    }

    public function test_a_field_that_the_message_names_is_not_named_twice(): void
    {
        $fields = [new Violation('kind', 'is required'), new Violation('spec', 'is odd')];
        $failure = new Failure(Code::InvalidArgument, 'kind: is required', 'FIELDS_INVALID', fields: $fields);

        self::assertSame('kind: is required [FIELDS_INVALID] spec: is odd', $failure->describe());
    }

    public function test_a_failed_job_tells_as_much_as_a_failed_call(): void
    {
        $error = (new Error())->setCode('FAILED_PRECONDITION')->setReason('IMPORT_FILE_UNREADABLE')->setMessage('A damaged gzip file.')
            ->setMetadata(['file_id' => 'f'])->setFields([(new FieldViolation())->setField('mapping')->setDescription('is wrong')])
            ->setCorrelationId('c');
        $failed = JobFailed::of((new Job())->setJobId('j')->setState(JobState::JOB_STATE_FAILED)->setError($error));

        self::assertSame('IMPORT_FILE_UNREADABLE', $failed->reason());
        self::assertSame(Code::FailedPrecondition, $failed->status());
        self::assertSame(['file_id' => 'f'], $failed->metadata());
        self::assertSame('mapping', $failed->fieldViolations()[0]->field);
        self::assertSame('j', $failed->job()?->getJobId());
    }

    public function test_a_cancelled_job_says_that_it_was_cancelled(): void
    {
        $failed = JobFailed::of((new Job())->setJobId('j')->setState(JobState::JOB_STATE_CANCELLED));

        self::assertSame(Code::Cancelled, $failed->status());
        self::assertStringContainsString('CANCELLED', $failed->getMessage());
    }
}
