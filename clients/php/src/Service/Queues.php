<?php

declare(strict_types=1);

namespace Howdah\Client\Service;

use Howdah\Client\Client;
use Howdah\Client\Exception\HowdahException;
use Howdah\Jobs\V1\GetNodeQueueStatsRequest;
use Howdah\Jobs\V1\GetNodeQueueStatsResponse;
use Howdah\Jobs\V1\GetQueueStatsRequest;
use Howdah\Jobs\V1\GetQueueStatsResponse;
use Howdah\Jobs\V1\JobsServiceClient;
use Howdah\Jobs\V1\PauseTenantJobsRequest;
use Howdah\Jobs\V1\ResumeTenantJobsRequest;
use Howdah\Jobs\V1\SetTenantShareRequest;
use Howdah\Jobs\V1\TenantShare;

/**
 * What waits and runs, and who runs it. All but `stats()` is for the operator's key, as a back office has it; other
 * keys are refused with PermissionDenied.
 */
final readonly class Queues
{
    private JobsServiceClient $stub;

    public function __construct(Client $client)
    {
        $this->stub = $client->stub(JobsServiceClient::class, awaited: true);
    }

    /**
     * What the tenant has in each queue, and the workers there are for it.
     *
     * @throws HowdahException
     */
    public function stats(): GetQueueStatsResponse
    {
        return $this->stub->GetQueueStats(new GetQueueStatsRequest())->answer();
    }

    /**
     * What all tenants have in each queue, and every worker.
     *
     * @param int $tenants how many of the busiest to tell one by one, up to 100; the others are a sum. 10 where 0
     *
     * @throws HowdahException
     */
    public function node(int $tenants = 0): GetNodeQueueStatsResponse
    {
        return $this->stub->GetNodeQueueStats((new GetNodeQueueStatsRequest())->setMaxTenants($tenants))->answer();
    }

    /**
     * Sets how much of the workers a tenant is given while others wait; null leaves it as it is.
     *
     * @param int|null $weight     1 to 1000: jobs of it that run for one of a tenant with weight 1
     * @param int|null $maxRunning jobs of it that may run while others wait; 0 for no bound
     *
     * @throws HowdahException
     */
    public function setShare(string $tenant, ?int $weight = null, ?int $maxRunning = null): TenantShare
    {
        $request = (new SetTenantShareRequest())->setTenantId($tenant);
        $weight === null || $request->setWeight($weight);
        $maxRunning === null || $request->setMaxRunningJobs($maxRunning);

        return $this->stub->SetTenantShare($request)->answer()->getShare();
    }

    /**
     * Keeps a tenant's jobs from beginning. Submitting works on, and what runs ends.
     *
     * @throws HowdahException
     */
    public function pause(string $tenant): TenantShare
    {
        return $this->stub->PauseTenantJobs((new PauseTenantJobsRequest())->setTenantId($tenant))->answer()->getShare();
    }

    /**
     * Lets the jobs of a paused tenant begin again.
     *
     * @throws HowdahException
     */
    public function resume(string $tenant): TenantShare
    {
        return $this->stub->ResumeTenantJobs((new ResumeTenantJobsRequest())->setTenantId($tenant))->answer()->getShare();
    }
}
