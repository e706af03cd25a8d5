<?php

declare(strict_types=1);

namespace Howdah\Client\Contract;

/** What the contract says of each method. Written by tools/contract.php; do not edit. */
final class Methods
{
    /** Path => default deadline in milliseconds, whether it changes something. */
    private const POLICIES = [
        '/howdah.analytics.v1.AnalyticsService/ComputeCohorts' => [10000, false],
        '/howdah.analytics.v1.AnalyticsService/ComputeKpis' => [10000, false],
        '/howdah.documents.v1.DocumentsService/StartWorkbook' => [5000, true],
        '/howdah.files.v1.FilesService/AppendUpload' => [10000, true],
        '/howdah.files.v1.FilesService/CompleteUpload' => [30000, true],
        '/howdah.files.v1.FilesService/CreateUpload' => [5000, true],
        '/howdah.files.v1.FilesService/DeleteFile' => [5000, true],
        '/howdah.files.v1.FilesService/DownloadFile' => [300000, false],
        '/howdah.files.v1.FilesService/GetFile' => [5000, false],
        '/howdah.jobs.v1.JobsService/CancelBatch' => [10000, true],
        '/howdah.jobs.v1.JobsService/CancelJob' => [5000, true],
        '/howdah.jobs.v1.JobsService/ExplainJob' => [5000, false],
        '/howdah.jobs.v1.JobsService/GetBatch' => [5000, false],
        '/howdah.jobs.v1.JobsService/GetJob' => [5000, false],
        '/howdah.jobs.v1.JobsService/GetNodeQueueStats' => [10000, false],
        '/howdah.jobs.v1.JobsService/GetQueueStats' => [5000, false],
        '/howdah.jobs.v1.JobsService/ListJobs' => [5000, false],
        '/howdah.jobs.v1.JobsService/PauseTenantJobs' => [5000, true],
        '/howdah.jobs.v1.JobsService/ReplayDeadJobs' => [10000, true],
        '/howdah.jobs.v1.JobsService/ResumeTenantJobs' => [5000, true],
        '/howdah.jobs.v1.JobsService/RetryJob' => [5000, true],
        '/howdah.jobs.v1.JobsService/SetTenantShare' => [5000, true],
        '/howdah.jobs.v1.JobsService/SubmitBatch' => [15000, true],
        '/howdah.jobs.v1.JobsService/SubmitChain' => [5000, true],
        '/howdah.jobs.v1.JobsService/SubmitJob' => [5000, true],
        '/howdah.jobs.v1.JobsService/WaitJob' => [30000, false],
        '/howdah.jobs.v1.JobsService/WatchJob' => [300000, false],
        '/howdah.node.v1.NodeService/DescribeNode' => [5000, false],
        '/howdah.node.v1.NodeService/Ping' => [5000, false],
        '/howdah.records.v1.RecordsService/BatchUpsertCustomers' => [10000, true],
        '/howdah.records.v1.RecordsService/BatchUpsertInvoices' => [10000, true],
        '/howdah.records.v1.RecordsService/BatchUpsertProducts' => [10000, true],
        '/howdah.records.v1.RecordsService/DeleteCustomer' => [5000, true],
        '/howdah.records.v1.RecordsService/GetCustomer' => [5000, false],
        '/howdah.records.v1.RecordsService/GetInvoice' => [5000, false],
        '/howdah.records.v1.RecordsService/GetProduct' => [5000, false],
        '/howdah.records.v1.RecordsService/ListCustomers' => [5000, false],
        '/howdah.records.v1.RecordsService/ListInvoices' => [5000, false],
        '/howdah.records.v1.RecordsService/ListProducts' => [5000, false],
        '/howdah.records.v1.RecordsService/StartImport' => [5000, true],
        '/howdah.schedules.v1.SchedulesService/CreateSchedule' => [5000, true],
        '/howdah.schedules.v1.SchedulesService/DeleteSchedule' => [5000, true],
        '/howdah.schedules.v1.SchedulesService/GetSchedule' => [5000, false],
        '/howdah.schedules.v1.SchedulesService/ListSchedules' => [5000, false],
        '/howdah.schedules.v1.SchedulesService/PauseSchedule' => [5000, true],
        '/howdah.schedules.v1.SchedulesService/PreviewSchedule' => [5000, false],
        '/howdah.schedules.v1.SchedulesService/ResumeSchedule' => [5000, true],
        '/howdah.schedules.v1.SchedulesService/RunSchedule' => [5000, true],
        '/howdah.schedules.v1.SchedulesService/UpdateSchedule' => [5000, true],
        '/howdah.tenants.v1.TenantsService/CreateCredential' => [5000, true],
        '/howdah.tenants.v1.TenantsService/CreateTenant' => [5000, true],
        '/howdah.tenants.v1.TenantsService/GetTenant' => [5000, false],
        '/howdah.tenants.v1.TenantsService/ListCredentials' => [5000, false],
        '/howdah.tenants.v1.TenantsService/ListTenants' => [5000, false],
        '/howdah.tenants.v1.TenantsService/RevokeCredential' => [5000, true],
        '/howdah.tenants.v1.TenantsService/RotateCredential' => [5000, true],
        '/howdah.webhooks.v1.WebhooksService/CreateEndpoint' => [5000, true],
        '/howdah.webhooks.v1.WebhooksService/DeleteEndpoint' => [5000, true],
        '/howdah.webhooks.v1.WebhooksService/GetEndpoint' => [5000, false],
        '/howdah.webhooks.v1.WebhooksService/ListDeliveries' => [5000, false],
        '/howdah.webhooks.v1.WebhooksService/ListEndpoints' => [5000, false],
        '/howdah.webhooks.v1.WebhooksService/RedeliverMessage' => [5000, true],
        '/howdah.webhooks.v1.WebhooksService/RedeliverRange' => [10000, true],
        '/howdah.webhooks.v1.WebhooksService/RotateSecret' => [5000, true],
        '/howdah.webhooks.v1.WebhooksService/SendTestEvent' => [5000, true],
        '/howdah.webhooks.v1.WebhooksService/UpdateEndpoint' => [5000, true],
    ];

    /** The path of a method that is named by its path or, alone, by its name; null where there is none. */
    public static function path(string $method): ?string
    {
        foreach (self::POLICIES as $path => $policy) {
            if ($path === $method || str_ends_with($path, '/' . $method)) {
                return $path;
            }
        }

        return null;
    }

    /** Seconds; null for a method that the contract does not have. */
    public static function defaultTimeout(string $path): ?float
    {
        return isset(self::POLICIES[$path]) ? self::POLICIES[$path][0] / 1000 : null;
    }

    /** Tells that a method only reads. One that is not known may change something. */
    public static function isRead(string $path): bool
    {
        return isset(self::POLICIES[$path]) && !self::POLICIES[$path][1];
    }
}
