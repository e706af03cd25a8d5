<?php
// GENERATED CODE -- DO NOT EDIT!

namespace Howdah\Jobs\V1;

/**
 * Submits, follows and steers the tenant's jobs. Most jobs are started by the methods whose work
 * they are, such as `RecordsService.StartImport`; SubmitJob starts the same kinds by name, later,
 * once, in a batch or in a chain.
 */
class JobsServiceClient extends \Grpc\BaseStub {

    /**
     * @param string $hostname hostname
     * @param array $opts channel options
     * @param \Grpc\Channel $channel (optional) re-use channel object
     */
    public function __construct($hostname, $opts, $channel = null) {
        parent::__construct($hostname, $opts, $channel);
    }

    /**
     * Submits a job by the name of its kind. Fails with JOB_KIND_UNKNOWN, with TENANT_QUEUE_FULL, and
     * with JOB_EXISTS as `unique` asks for.
     * @param \Howdah\Jobs\V1\SubmitJobRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function SubmitJob(\Howdah\Jobs\V1\SubmitJobRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.jobs.v1.JobsService/SubmitJob',
        $argument,
        ['\Howdah\Jobs\V1\SubmitJobResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Submits jobs that are counted together, all or none, and a callback: a job that waits until the
     * last of them has ended, however it did. Fails as SubmitJob does.
     * @param \Howdah\Jobs\V1\SubmitBatchRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function SubmitBatch(\Howdah\Jobs\V1\SubmitBatchRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.jobs.v1.JobsService/SubmitBatch',
        $argument,
        ['\Howdah\Jobs\V1\SubmitBatchResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Submits jobs, all or none, of which each begins when the one before it has succeeded. Fails as
     * SubmitJob does.
     * @param \Howdah\Jobs\V1\SubmitChainRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function SubmitChain(\Howdah\Jobs\V1\SubmitChainRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.jobs.v1.JobsService/SubmitChain',
        $argument,
        ['\Howdah\Jobs\V1\SubmitChainResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Gets one batch with its counts. Fails with RESOURCE_NOT_FOUND, also for another tenant's.
     * `ListJobs` lists its jobs.
     * @param \Howdah\Jobs\V1\GetBatchRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function GetBatch(\Howdah\Jobs\V1\GetBatchRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.jobs.v1.JobsService/GetBatch',
        $argument,
        ['\Howdah\Jobs\V1\GetBatchResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Cancels every job of a batch as CancelJob does. Repeating it changes nothing.
     * @param \Howdah\Jobs\V1\CancelBatchRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function CancelBatch(\Howdah\Jobs\V1\CancelBatchRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.jobs.v1.JobsService/CancelBatch',
        $argument,
        ['\Howdah\Jobs\V1\CancelBatchResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Gets one job. Fails with RESOURCE_NOT_FOUND, also for another tenant's job.
     * @param \Howdah\Jobs\V1\GetJobRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function GetJob(\Howdah\Jobs\V1\GetJobRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.jobs.v1.JobsService/GetJob',
        $argument,
        ['\Howdah\Jobs\V1\GetJobResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Lists the tenant's jobs, newest first, a page at a time.
     * @param \Howdah\Jobs\V1\ListJobsRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function ListJobs(\Howdah\Jobs\V1\ListJobsRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.jobs.v1.JobsService/ListJobs',
        $argument,
        ['\Howdah\Jobs\V1\ListJobsResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Streams the job whenever it changes, and ends when it has ended. Changes nothing.
     * @param \Howdah\Jobs\V1\WatchJobRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\ServerStreamingCall
     */
    public function WatchJob(\Howdah\Jobs\V1\WatchJobRequest $argument,
      $metadata = [], $options = []) {
        return $this->_serverStreamRequest('/howdah.jobs.v1.JobsService/WatchJob',
        $argument,
        ['\Howdah\Jobs\V1\WatchJobResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Waits until the job has ended or `timeout` has passed, and answers with the job as it is then.
     * @param \Howdah\Jobs\V1\WaitJobRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function WaitJob(\Howdah\Jobs\V1\WaitJobRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.jobs.v1.JobsService/WaitJob',
        $argument,
        ['\Howdah\Jobs\V1\WaitJobResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Cancels a job. One that waits is cancelled at once; one that runs is asked to stop. Repeating
     * it changes nothing, and a job that has ended stays as it is.
     * @param \Howdah\Jobs\V1\CancelJobRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function CancelJob(\Howdah\Jobs\V1\CancelJobRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.jobs.v1.JobsService/CancelJob',
        $argument,
        ['\Howdah\Jobs\V1\CancelJobResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Puts a dead, quarantined, cancelled or refused job back into its queue with a fresh set of
     * attempts. Fails with JOB_NOT_RETRYABLE in any other state.
     * @param \Howdah\Jobs\V1\RetryJobRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function RetryJob(\Howdah\Jobs\V1\RetryJobRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.jobs.v1.JobsService/RetryJob',
        $argument,
        ['\Howdah\Jobs\V1\RetryJobResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Puts jobs that ended dead or quarantined back into their queues, the oldest first, each with a
     * fresh set of attempts. A dry run only tells which.
     * @param \Howdah\Jobs\V1\ReplayDeadJobsRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function ReplayDeadJobs(\Howdah\Jobs\V1\ReplayDeadJobsRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.jobs.v1.JobsService/ReplayDeadJobs',
        $argument,
        ['\Howdah\Jobs\V1\ReplayDeadJobsResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Says in one sentence why a job is where it is, such as what it waits for.
     * @param \Howdah\Jobs\V1\ExplainJobRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function ExplainJob(\Howdah\Jobs\V1\ExplainJobRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.jobs.v1.JobsService/ExplainJob',
        $argument,
        ['\Howdah\Jobs\V1\ExplainJobResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Counts what the tenant has in each queue, and the workers there are for it.
     * @param \Howdah\Jobs\V1\GetQueueStatsRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function GetQueueStats(\Howdah\Jobs\V1\GetQueueStatsRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.jobs.v1.JobsService/GetQueueStats',
        $argument,
        ['\Howdah\Jobs\V1\GetQueueStatsResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Counts what all tenants have in each queue, and tells the workers. Only operators see it.
     * @param \Howdah\Jobs\V1\GetNodeQueueStatsRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function GetNodeQueueStats(\Howdah\Jobs\V1\GetNodeQueueStatsRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.jobs.v1.JobsService/GetNodeQueueStats',
        $argument,
        ['\Howdah\Jobs\V1\GetNodeQueueStatsResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Sets how much of the workers a tenant is given while others wait; what is not named stays as it
     * is. Fails with RESOURCE_NOT_FOUND.
     * @param \Howdah\Jobs\V1\SetTenantShareRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function SetTenantShare(\Howdah\Jobs\V1\SetTenantShareRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.jobs.v1.JobsService/SetTenantShare',
        $argument,
        ['\Howdah\Jobs\V1\SetTenantShareResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Keeps a tenant's jobs from beginning. Submitting works on, what runs ends, and repeating it
     * changes nothing. Fails with RESOURCE_NOT_FOUND.
     * @param \Howdah\Jobs\V1\PauseTenantJobsRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function PauseTenantJobs(\Howdah\Jobs\V1\PauseTenantJobsRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.jobs.v1.JobsService/PauseTenantJobs',
        $argument,
        ['\Howdah\Jobs\V1\PauseTenantJobsResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Lets the jobs of a paused tenant begin again. Fails with RESOURCE_NOT_FOUND.
     * @param \Howdah\Jobs\V1\ResumeTenantJobsRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function ResumeTenantJobs(\Howdah\Jobs\V1\ResumeTenantJobsRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.jobs.v1.JobsService/ResumeTenantJobs',
        $argument,
        ['\Howdah\Jobs\V1\ResumeTenantJobsResponse', 'decode'],
        $metadata, $options);
    }

}
