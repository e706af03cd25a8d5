<?php
// GENERATED CODE -- DO NOT EDIT!

namespace Howdah\Schedules\V1;

/**
 * Starts jobs by the clock.
 */
class SchedulesServiceClient extends \Grpc\BaseStub {

    /**
     * @param string $hostname hostname
     * @param array $opts channel options
     * @param \Grpc\Channel $channel (optional) re-use channel object
     */
    public function __construct($hostname, $opts, $channel = null) {
        parent::__construct($hostname, $opts, $channel);
    }

    /**
     * Creates a schedule, whose jobs run in the caller's name and go on doing so when its key is revoked.
     * Fails with RESOURCE_EXISTS, with JOB_KIND_UNKNOWN, and with TENANT_LIMIT_REACHED.
     * @param \Howdah\Schedules\V1\CreateScheduleRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function CreateSchedule(\Howdah\Schedules\V1\CreateScheduleRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.schedules.v1.SchedulesService/CreateSchedule',
        $argument,
        ['\Howdah\Schedules\V1\CreateScheduleResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Gets one schedule with its latest fires. Fails with RESOURCE_NOT_FOUND, also for another tenant's
     * schedule.
     * @param \Howdah\Schedules\V1\GetScheduleRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function GetSchedule(\Howdah\Schedules\V1\GetScheduleRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.schedules.v1.SchedulesService/GetSchedule',
        $argument,
        ['\Howdah\Schedules\V1\GetScheduleResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Lists the tenant's schedules by id, a page at a time.
     * @param \Howdah\Schedules\V1\ListSchedulesRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function ListSchedules(\Howdah\Schedules\V1\ListSchedulesRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.schedules.v1.SchedulesService/ListSchedules',
        $argument,
        ['\Howdah\Schedules\V1\ListSchedulesResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Replaces the plan of a schedule as a whole, from now on. It stays paused where it is.
     * @param \Howdah\Schedules\V1\UpdateScheduleRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function UpdateSchedule(\Howdah\Schedules\V1\UpdateScheduleRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.schedules.v1.SchedulesService/UpdateSchedule',
        $argument,
        ['\Howdah\Schedules\V1\UpdateScheduleResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Deletes a schedule and the record of its fires. Jobs that it started go on.
     * @param \Howdah\Schedules\V1\DeleteScheduleRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function DeleteSchedule(\Howdah\Schedules\V1\DeleteScheduleRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.schedules.v1.SchedulesService/DeleteSchedule',
        $argument,
        ['\Howdah\Schedules\V1\DeleteScheduleResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Keeps a schedule from firing. Jobs that it started go on; repeating it changes nothing.
     * @param \Howdah\Schedules\V1\PauseScheduleRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function PauseSchedule(\Howdah\Schedules\V1\PauseScheduleRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.schedules.v1.SchedulesService/PauseSchedule',
        $argument,
        ['\Howdah\Schedules\V1\PauseScheduleResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Lets a paused schedule fire again from now on. What it would have fired meanwhile is not made up
     * for; repeating it changes nothing.
     * @param \Howdah\Schedules\V1\ResumeScheduleRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function ResumeSchedule(\Howdah\Schedules\V1\ResumeScheduleRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.schedules.v1.SchedulesService/ResumeSchedule',
        $argument,
        ['\Howdah\Schedules\V1\ResumeScheduleResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Starts the job of a schedule now, in the caller's name, whether the schedule is paused or an earlier
     * job goes on. Its own fires stay as they are.
     * @param \Howdah\Schedules\V1\RunScheduleRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function RunSchedule(\Howdah\Schedules\V1\RunScheduleRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.schedules.v1.SchedulesService/RunSchedule',
        $argument,
        ['\Howdah\Schedules\V1\RunScheduleResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Tells when a schedule, or a cron expression, fires next. Changes nothing.
     * @param \Howdah\Schedules\V1\PreviewScheduleRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function PreviewSchedule(\Howdah\Schedules\V1\PreviewScheduleRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.schedules.v1.SchedulesService/PreviewSchedule',
        $argument,
        ['\Howdah\Schedules\V1\PreviewScheduleResponse', 'decode'],
        $metadata, $options);
    }

}
