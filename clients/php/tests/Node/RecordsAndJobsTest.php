<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Node;

use Google\Protobuf\Timestamp;
use Howdah\Client\Exception\FailedPrecondition;
use Howdah\Client\Exception\HowdahException;
use Howdah\Client\Exception\JobFailed;
use Howdah\Jobs\V1\Job;
use Howdah\Jobs\V1\JobState;
use Howdah\Records\V1\Customer;
use Howdah\Records\V1\ImportFormat;
use Howdah\Records\V1\ImportGrouping;
use Howdah\Records\V1\ImportMapping;
use Howdah\Records\V1\Invoice;
use Howdah\Records\V1\InvoiceKind;
use Howdah\Records\V1\InvoiceLine;
use Howdah\Records\V1\InvoiceStatus;
use Howdah\Records\V1\Product;

final class RecordsAndJobsTest extends NodeTestCase
{
    private static function invoice(string $number, string $customer, string $day, int $quantity, int $price): Invoice
    {
        return (new Invoice())
            ->setNumber($number)
            ->setCustomerExternalId($customer)
            ->setIssueTime((new Timestamp())->setSeconds(strtotime("$day 12:00 UTC")))
            ->setCurrency('XTS')
            ->setKind(InvoiceKind::INVOICE_KIND_SALE)
            ->setStatus(InvoiceStatus::INVOICE_STATUS_PAID)
            ->setCountry('Polska')
            ->setLines([(new InvoiceLine())->setSku("$number-sku")->setQuantity($quantity)->setUnitPriceMinor($price)]);
    }

    /** A day that no other run has used, most likely. */
    private static function day(): string
    {
        return gmdate('Y-m-d', random_int(-2_000_000_000, 1_500_000_000));
    }

    private static function mapping(): ImportMapping
    {
        return (new ImportMapping())
            ->setFormat(ImportFormat::IMPORT_FORMAT_CSV)
            ->setFields(['number' => 'no', 'sku' => 'sku', 'quantity' => 'qty', 'unit_price' => 'price', 'issue_time' => 'day'])
            ->setCurrency('XTS')
            ->setTimeZone('UTC')
            ->setGrouping(ImportGrouping::IMPORT_GROUPING_ROW_IS_INVOICE);
    }

    public function test_records_are_stored_read_and_listed(): void
    {
        $records = self::client()->records();
        $id = self::unique('php');
        $stored = $records->upsertCustomers([
            (new Customer())->setExternalId($id)->setName('Łucja')->setAttributes(['vip' => 'yes']),
            (new Customer())->setExternalId("$id-2"),
        ]);

        self::assertSame(2, $stored->getStored());
        self::assertSame('Łucja', $records->getCustomer($id)->getName());
        self::assertSame('yes', $records->getCustomer($id)->getAttributes()['vip']);
        $listed = [];
        foreach ($records->customers(pageSize: 7) as $customer) {
            $listed[] = $customer->getExternalId();
        }
        self::assertContains("$id-2", $listed);
        self::assertSame($listed, array_unique($listed));

        $records->upsertProducts([(new Product())->setSku($id)->setName('Słoń')]);
        self::assertSame('Słoń', $records->getProduct($id)->getName());
    }

    public function test_a_customer_is_deleted_where_no_invoice_names_it(): void
    {
        $records = self::client()->records();
        $id = self::unique('php');
        $records->upsertCustomers([(new Customer())->setExternalId($id)]);
        $records->upsertInvoices([self::invoice(self::unique('no'), "$id-billed", self::day(), 1, 100)]);

        $records->deleteCustomer($id);

        $reasons = [];
        foreach ([$id, "$id-billed"] as $kept) {
            try {
                $records->deleteCustomer($kept);
            } catch (HowdahException $refused) {
                $reasons[] = $refused->reason();
            }
        }
        self::assertSame(['RESOURCE_NOT_FOUND', 'CUSTOMER_HAS_INVOICES'], $reasons);
    }

    public function test_kpis_count_what_was_stored(): void
    {
        $client = self::client();
        $day = self::day();
        $customer = self::unique('php');
        $client->records()->upsertInvoices([
            self::invoice(self::unique('no'), $customer, $day, 2, 1999),
            self::invoice(self::unique('no'), $customer, $day, 1, 1),
        ]);
        $invoices = iterator_to_array($client->records()->invoices(customer: $customer), false);
        $kpis = $client->analytics()->computeKpis(
            new \DateTimeImmutable($day),
            new \DateTimeImmutable("$day +1 day"),
            currency: 'XTS',
            comparePrevious: true,
        );

        self::assertCount(2, $invoices);
        self::assertSame(3999, (int) $kpis->getKpis()->getGrossRevenueMinor());
        self::assertSame(2, (int) $kpis->getKpis()->getOrders());
        self::assertSame(1, (int) $kpis->getKpis()->getCustomers());
        self::assertSame(1.0, $kpis->getKpis()->getRepeatRate());
        self::assertTrue($kpis->hasPrevious());
    }

    public function test_an_import_is_followed_to_its_end(): void
    {
        $client = self::client();
        $day = self::day();
        $numbers = [self::unique('a'), self::unique('b')];
        $csv = "no,sku,qty,price,day\n{$numbers[0]},s1,2,10.00,$day\n{$numbers[1]},s2,1,0.50,$day\nbad,s3,many,1,$day\n";
        $file = $client->files()->upload(self::temporaryFile($csv), 'sales.csv', 'text/csv');
        $key = self::unique('import-of-today');
        $job = $client->records()->startImport($file->getFileId(), self::mapping(), $key);
        $again = $client->records()->startImport($file->getFileId(), self::mapping(), $key);
        self::assertSame($job->getJobId(), $again->getJobId());

        $states = [];
        $done = $client->jobs()->waitFor($job->getJobId(), static function (Job $job) use (&$states): void {
            $states[] = $job->getState();
        }, timeout: 60);

        self::assertSame(JobState::JOB_STATE_SUCCEEDED, $done->getState());
        self::assertSame(JobState::JOB_STATE_SUCCEEDED, end($states));
        $result = json_decode($done->getResult()->serializeToJsonString(), true);
        self::assertEquals([3, 2, 1], [$result['rows_in'], $result['rows_stored'], $result['rows_rejected']]);
        self::assertSame(2000, (int) $client->records()->getInvoice($numbers[0])->getTotalMinor());
        self::assertSame(JobState::JOB_STATE_SUCCEEDED, $client->jobs()->get($job->getJobId())->getState());
        self::assertSame(JobState::JOB_STATE_SUCCEEDED, $client->jobs()->wait($job->getJobId(), 1)->getState());
        $ids = [];
        foreach ($client->jobs()->list(pageSize: 20, kind: 'records.import')->getJobs() as $listed) {
            $ids[] = $listed->getJobId();
        }
        self::assertContains($job->getJobId(), $ids);

        try {
            $client->jobs()->retry($job->getJobId());
            self::fail('a job that has succeeded was retried');
        } catch (FailedPrecondition $refused) {
            self::assertSame('JOB_NOT_RETRYABLE', $refused->reason());
        }
    }

    public function test_a_job_that_fails_says_why(): void
    {
        $client = self::client();
        $file = $client->files()->upload(self::temporaryFile("\x1f\x8b damaged gzip"), 'sales.csv.gz');
        try {
            $client->jobs()->waitFor($client->records()->startImport($file->getFileId(), self::mapping())->getJobId(), timeout: 60);
            self::fail('imported');
        } catch (JobFailed $failed) {
            self::assertSame('IMPORT_FILE_UNREADABLE', $failed->reason());
            self::assertSame(JobState::JOB_STATE_FAILED, $failed->job()?->getState());
        }
    }

    public function test_a_workbook_is_made_and_downloaded(): void
    {
        $client = self::client();
        $day = self::day();
        $client->records()->upsertInvoices([self::invoice(self::unique('no'), self::unique('php'), $day, 1, 100)]);
        $job = $client->documents()->startWorkbook($day, gmdate('Y-m-d', strtotime("$day +30 days")), currency: 'XTS', title: 'Słonie');
        $job = $client->jobs()->waitFor($job->getJobId(), timeout: 120);
        $target = self::temporaryFile('');
        $file = $client->files()->download($job->getFileId(), $target);

        self::assertStringStartsWith('PK', (string) file_get_contents($target));
        self::assertSame((int) $file->getSizeBytes(), filesize($target));
    }

    public function test_a_cancelled_job_ends_the_wait_with_an_exception(): void
    {
        $client = self::client();
        $day = self::day();
        $job = $client->documents()->startWorkbook($day, gmdate('Y-m-d', strtotime("$day +3000 days")), currency: 'XTS');
        $client->jobs()->cancel($job->getJobId());
        try {
            // The worker may have been faster than the cancellation; both ends are right.
            $ended = $client->jobs()->waitFor($job->getJobId(), timeout: 60)->getState();
        } catch (JobFailed $failed) {
            $ended = $failed->job()?->getState();
        }

        self::assertContains($ended, [JobState::JOB_STATE_CANCELLED, JobState::JOB_STATE_SUCCEEDED]);
    }

    public function test_a_job_of_nobody_is_not_found_when_it_is_waited_for(): void
    {
        try {
            self::client()->jobs()->waitFor('4ba193f8-c1fd-4c98-bf49-d9c99beaef8d', timeout: 5);
            self::fail('found');
        } catch (HowdahException $missing) {
            self::assertSame('RESOURCE_NOT_FOUND', $missing->reason());
        }
    }
}
