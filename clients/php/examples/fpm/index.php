<?php

// A page behind nginx and PHP-FPM that shows a tenant's KPIs, starts a workbook, follows it and hands it over.
// nginx.conf and pool.conf beside it are what it runs with. It stays up while the node is down.

declare(strict_types=1);

use Howdah\Analytics\V1\ComputeKpisResponse;
use Howdah\Client\Client;
use Howdah\Client\Exception\HowdahException;
use Howdah\Client\Exception\NotFound;
use Howdah\Client\Howdah;
use Howdah\Client\Service\Jobs;
use Howdah\Jobs\V1\JobState;

require is_file(__DIR__ . '/../../vendor/autoload.php') ? __DIR__ . '/../../vendor/autoload.php' : __DIR__ . '/../../tests/autoload.php';

const PAGE_SECONDS = 3.0;
const START = '2021-01-01';
const END = '2022-07-01';

function html(string $text): string
{
    return htmlspecialchars($text, ENT_QUOTES | ENT_SUBSTITUTE, 'UTF-8');
}

function page(string $body, int $status = 200, string $head = ''): void
{
    http_response_code($status);
    header('Content-Type: text/html; charset=utf-8');
    echo "<!doctype html><html lang=\"en\"><head><title>Sales</title>$head</head><body>$body</body></html>\n";
}

function form(string $key): string
{
    return '<form method="post" action="/workbook"><input type="hidden" name="key" value="' . html($key) . '"><button>Make the workbook</button></form>';
}

/** Today's figures, or the last ones where the node cannot answer. */
function overview(Client $acme): void
{
    $began = hrtime(true);
    $outcome = $acme->try(static fn (Client $client): ComputeKpisResponse => $client->analytics()->computeKpis(START, END));
    $took = (hrtime(true) - $began) / 1e6;
    $said = $outcome->error === null ? 'answered' : ($outcome->error->reason() ?: $outcome->error->status()->canonicalName());
    header(sprintf('Server-Timing: howdah;dur=%.3F;desc="%s"', $took, $said));

    if ($outcome->ok) {
        apcu_store('sales.kpis', $outcome->data->serializeToString());
    }
    $kpis = $outcome->orElse(static function (): ?ComputeKpisResponse {
        $kept = apcu_fetch('sales.kpis');
        $last = new ComputeKpisResponse();
        is_string($kept) && $last->mergeFromString($kept);

        return is_string($kept) ? $last : null;
    })?->getKpis();
    $figures = $kpis === null
        ? '<p>There are no figures at the moment.</p>'
        : sprintf('<p><b>%s</b> orders of <b>%s</b> customers</p>', number_format((int) $kpis->getOrders()), number_format((int) $kpis->getCustomers()));
    $note = $outcome->ok ? '' : '<p class="old">The figures are not new: the node does not answer.</p>';
    // The key is made with the form: however often it is sent, it starts one job.
    page($figures . $note . form(bin2hex(random_bytes(16))));
}

function startWorkbook(Client $acme, string $key): void
{
    try {
        $job = $acme->documents()->startWorkbook(START, END, idempotencyKey: $key);
    } catch (HowdahException $failed) {
        if (!$failed->isRetryable()) {
            throw $failed;
        }
        header('Retry-After: ' . max(1, (int) ceil(($failed->retryAfterMs() ?? 1000) / 1000)));
        page('<p>Not now. Send it again in a moment; it will not be made twice.</p>' . form($key), 503);

        return;
    }
    http_response_code(303);
    header('Location: /jobs/' . $job->getJobId());
}

function showJob(Client $acme, string $jobId): void
{
    $job = $acme->jobs()->get($jobId);
    if (!Jobs::hasEnded($job)) {
        $progress = $job->getProgress();
        page(sprintf('<p>%d of %d: %s</p>', $progress?->getDone(), $progress?->getTotal(), html((string) $progress?->getMessage())), head: '<meta http-equiv="refresh" content="1">');
    } elseif ($job->getState() === JobState::JOB_STATE_SUCCEEDED) {
        page('<a href="/files/' . html($job->getFileId()) . '">The workbook</a>');
    } else {
        page('<p>It failed: ' . html((string) $job->getError()?->getMessage()) . '</p>');
    }
}

$acme = Howdah::fromEnvironment()->withCurrentRequest()->withTimeout(PAGE_SECONDS)->withRetries(1);
$path = (string) parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);

try {
    match (true) {
        $path === '/' => overview($acme),
        $path === '/workbook' && $_SERVER['REQUEST_METHOD'] === 'POST' => startWorkbook($acme, (string) ($_POST['key'] ?? '')),
        preg_match('#\A/jobs/([0-9a-f-]{36})\z#', $path, $found) === 1 => showJob($acme, $found[1]),
        preg_match('#\A/files/([0-9a-f-]{36})\z#', $path, $found) === 1 => $acme->files()->respond($found[1])->send(),
        default => page('<p>There is no such page.</p>', 404),
    };
} catch (NotFound) {
    page('<p>There is no such thing.</p>', 404);
} catch (HowdahException $failed) {
    error_log("{$failed->status()->canonicalName()} {$failed->reason()}: {$failed->getMessage()} ({$failed->correlationId()})");
    page('<p>This does not work at the moment.</p>', $failed->isRetryable() ? 503 : 500);
}
