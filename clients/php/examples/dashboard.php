<?php

// Shows the KPIs of a tenant, from the terminal:
//
//   HOWDAH_ADDRESS=127.0.0.1:50051 HOWDAH_TENANT=acme HOWDAH_KEY_ID=… HOWDAH_SECRET=… \
//       php clients/php/examples/dashboard.php --start 2021-01-01 --end 2022-07-01 [--currency EUR] [--workbook[=FILE]]
//
// Exits with 0 only when the node has answered everything that was asked.

declare(strict_types=1);

use Howdah\Analytics\V1\RankedAmount;
use Howdah\Client\Client;
use Howdah\Client\Exception\ConfigurationException;
use Howdah\Client\Exception\HowdahException;
use Howdah\Client\Howdah;
use Howdah\Jobs\V1\Job;
use Howdah\Jobs\V1\JobState;

require is_file(__DIR__ . '/../vendor/autoload.php') ? __DIR__ . '/../vendor/autoload.php' : __DIR__ . '/../tests/autoload.php';

const USAGE = <<<'TEXT'
    usage: php dashboard.php [--start 2021-01-01] [--end 2022-07-01] [--currency EUR] [--workbook[=FILE]]

    The currency is the tenant's where it is not given. It reads from the environment:
      HOWDAH_ADDRESS   where the node listens, such as 127.0.0.1:50051 or unix:/run/howdah.sock
      HOWDAH_TENANT    whose figures to show, such as acme
      HOWDAH_KEY_ID    id of a credential; `howdah keys create` makes one
      HOWDAH_SECRET    its secret, 64 hexadecimal digits
      HOWDAH_AUDIENCE  name of the node, where it is not "howdah"

    TEXT;

function money(int|string $minor, string $currency): string
{
    return number_format((int) $minor / 100, 2, '.', ',') . ' ' . $currency;
}

/** @param array<string, string> $rows */
function table(string $title, array $rows): void
{
    $left = max(array_map('mb_strlen', array_map(strval(...), array_keys($rows))) ?: [0]);
    $right = max(array_map('mb_strlen', $rows) ?: [0]);
    $width = max($left + $right + 3, mb_strlen($title));
    echo "\n  $title\n  ", str_repeat('─', $width), "\n";
    foreach ($rows as $name => $value) {
        $name = (string) $name;
        echo '  ', $name, str_repeat(' ', $width - mb_strlen($name) - mb_strlen($value)), $value, "\n";
    }
}

function showKpis(Client $client, string $start, string $end, string $currency): void
{
    $began = hrtime(true);
    $kpis = $client->analytics()->computeKpis(start: $start, end: $end, currency: $currency, topLimit: 5)->getKpis();
    $took = (hrtime(true) - $began) / 1e6;
    $currency = $kpis->getCurrency();
    $count = static fn (int|string $number): string => number_format((int) $number);

    table("{$client->options()->tenant}, {$kpis->getStartDate()} to {$kpis->getEndDate()} (exclusive)", [
        'gross revenue' => money($kpis->getGrossRevenueMinor(), $currency),
        'refunds' => money($kpis->getRefundsMinor(), $currency),
        'net revenue' => money($kpis->getNetRevenueMinor(), $currency),
        'orders' => $count($kpis->getOrders()),
        'units' => $count($kpis->getUnits()),
        'average order value' => money($kpis->getAverageOrderValueMinor(), $currency),
        'customers' => $count($kpis->getCustomers()),
        'new / returning' => $count($kpis->getNewCustomers()) . ' / ' . $count($kpis->getReturningCustomers()),
        'repeat rate' => sprintf('%.2f %%', $kpis->getRepeatRate() * 100),
        'refund rate' => sprintf('%.2f %%', $kpis->getRefundRate() * 100),
        'churned customers' => $count($kpis->getChurnedCustomers()),
    ]);
    showTop('top products', $kpis->getTopProducts(), $currency);
    showTop('top customers', $kpis->getTopCustomers(), $currency);
    printf("\n  answered in %.1f ms\n", $took);
}

/** @param iterable<RankedAmount> $ranking */
function showTop(string $title, iterable $ranking, string $currency): void
{
    $rows = [];
    foreach ($ranking as $place) {
        $rows[mb_strimwidth("{$place->getKey()}  {$place->getName()}", 0, 48, '…')] = money($place->getGrossRevenueMinor(), $currency);
    }
    $rows === [] || table($title, $rows);
}

function fetchWorkbook(Client $client, string $start, string $end, string $currency, string $target): void
{
    $terminal = stream_isatty(STDOUT);
    $say = static function (string $text) use ($terminal): void {
        echo $terminal ? "\r\033[K  $text" : "  $text\n";
    };
    echo "\n";
    $job = $client->documents()->startWorkbook($start, $end, $currency);
    $job = $client->jobs()->waitFor($job->getJobId(), static function (Job $job) use ($say): void {
        $progress = $job->getProgress();
        $say('workbook: ' . ($progress === null || $progress->getPhase() === ''
            ? strtolower(substr(JobState::name($job->getState()), strlen('JOB_STATE_')))
            : sprintf('%s %d/%d %s', $progress->getPhase(), $progress->getDone(), $progress->getTotal(), $progress->getMessage())));
    }, timeout: 300.0);
    $file = $client->files()->download($job->getFileId(), $target, static function (int $done, int $total) use ($say): void {
        $say("workbook: $done of $total bytes");
    });
    $say("workbook: $target, {$file->getSizeBytes()} bytes, SHA-256 {$file->getSha256()}\n");
}

$arguments = getopt('', ['start:', 'end:', 'currency:', 'workbook::', 'help']);
if (isset($arguments['help'])) {
    echo USAGE;
    exit(0);
}
$start = $arguments['start'] ?? '2021-01-01';
$end = $arguments['end'] ?? '2022-07-01';
$currency = $arguments['currency'] ?? '';

try {
    $client = Howdah::fromEnvironment();
    if ($client->options()->tenant === null) {
        throw ConfigurationException::because('Not set in the environment: HOWDAH_TENANT.');
    }
    showKpis($client, $start, $end, $currency);
    if (isset($arguments['workbook'])) {
        $target = is_string($arguments['workbook']) ? $arguments['workbook'] : 'workbook.xlsx';
        fetchWorkbook($client, $start, $end, $currency, $target);
    }
} catch (ConfigurationException $wrong) {
    fwrite(STDERR, $wrong->getMessage() . "\n\n" . USAGE);
    exit(2);
} catch (HowdahException $failed) {
    fwrite(STDERR, sprintf("\n%s: %s\n", $failed->status()->canonicalName(), $failed->getMessage()));
    if ($failed->isRetryable()) {
        fwrite(STDERR, "It may work when it is tried again.\n");
    }
    exit(1);
}
