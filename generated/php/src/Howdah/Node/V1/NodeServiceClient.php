<?php
// GENERATED CODE -- DO NOT EDIT!

namespace Howdah\Node\V1;

/**
 * Tells what the node is and whether a caller gets through to it.
 */
class NodeServiceClient extends \Grpc\BaseStub {

    /**
     * @param string $hostname hostname
     * @param array $opts channel options
     * @param \Grpc\Channel $channel (optional) re-use channel object
     */
    public function __construct($hostname, $opts, $channel = null) {
        parent::__construct($hostname, $opts, $channel);
    }

    /**
     * Describes the node: version, contracts, queues and limits. Changes nothing.
     * @param \Howdah\Node\V1\DescribeNodeRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function DescribeNode(\Howdah\Node\V1\DescribeNodeRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.node.v1.NodeService/DescribeNode',
        $argument,
        ['\Howdah\Node\V1\DescribeNodeResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Answers with the request's text and what the node took the caller for. Changes nothing and
     * reads no database, so it shows whether signature, tenant and clock are right.
     * @param \Howdah\Node\V1\PingRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function Ping(\Howdah\Node\V1\PingRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.node.v1.NodeService/Ping',
        $argument,
        ['\Howdah\Node\V1\PingResponse', 'decode'],
        $metadata, $options);
    }

}
