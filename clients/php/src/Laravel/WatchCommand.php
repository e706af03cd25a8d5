<?php

declare(strict_types=1);

namespace Howdah\Client\Laravel;

use Howdah\Client\Client;
use Howdah\Client\Exception\JobFailed;
use Howdah\Jobs\V1\Job;
use Illuminate\Console\Command;
use Illuminate\Contracts\Events\Dispatcher;

/** Follows a job of the node to its end, and tells the application's listeners; no queue of Laravel takes part. */
final class WatchCommand extends Command
{
    protected $signature = 'howdah:watch {job : Id of the job} {--tenant= : Whose job it is} {--timeout=3600 : Seconds}';

    protected $description = 'Follow a job of the Howdah node to its end, then dispatch JobEnded';

    public function handle(Dispatcher $events): int
    {
        $client = $this->laravel->make(Client::class);
        $tenant = $this->option('tenant');
        $client = $tenant === null ? $client : $client->tenant($tenant);
        $say = function (Job $job): void {
            $progress = $job->getProgress();
            $this->line(sprintf('%d/%d %s', $progress?->getDone(), $progress?->getTotal(), $progress?->getMessage()));
        };
        try {
            $job = $client->jobs()->waitFor($this->argument('job'), $say, (float) $this->option('timeout'));
        } catch (JobFailed $failed) {
            $this->error($failed->getMessage());
            $job = $failed->job();
        }
        $ended = new JobEnded($job, !isset($failed));
        $events->dispatch($ended);

        return $ended->succeeded ? 0 : 1;
    }
}
