<?php
// GENERATED CODE -- DO NOT EDIT!

namespace Howdah\Analytics\V1;

/**
 * Computes figures over the tenant's invoices. Drafts and void invoices never count.
 */
class AnalyticsServiceClient extends \Grpc\BaseStub {

    /**
     * @param string $hostname hostname
     * @param array $opts channel options
     * @param \Grpc\Channel $channel (optional) re-use channel object
     */
    public function __construct($hostname, $opts, $channel = null) {
        parent::__construct($hostname, $opts, $channel);
    }

    /**
     * Computes the KPIs of a period of one currency. Changes nothing. Fails with FIELDS_INVALID where the
     * period ends before it begins.
     * @param \Howdah\Analytics\V1\ComputeKpisRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function ComputeKpis(\Howdah\Analytics\V1\ComputeKpisRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.analytics.v1.AnalyticsService/ComputeKpis',
        $argument,
        ['\Howdah\Analytics\V1\ComputeKpisResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Counts, for customers by month of their first sale ever, how many bought in that month and each
     * month after. Changes nothing.
     * @param \Howdah\Analytics\V1\ComputeCohortsRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function ComputeCohorts(\Howdah\Analytics\V1\ComputeCohortsRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.analytics.v1.AnalyticsService/ComputeCohorts',
        $argument,
        ['\Howdah\Analytics\V1\ComputeCohortsResponse', 'decode'],
        $metadata, $options);
    }

}
