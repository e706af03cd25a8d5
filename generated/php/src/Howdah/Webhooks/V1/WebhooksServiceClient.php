<?php
// GENERATED CODE -- DO NOT EDIT!

namespace Howdah\Webhooks\V1;

/**
 * Tells the tenant's own servers how its jobs end: messages signed as Standard Webhooks says,
 * delivered at least once, with a log of every try.
 */
class WebhooksServiceClient extends \Grpc\BaseStub {

    /**
     * @param string $hostname hostname
     * @param array $opts channel options
     * @param \Grpc\Channel $channel (optional) re-use channel object
     */
    public function __construct($hostname, $opts, $channel = null) {
        parent::__construct($hostname, $opts, $channel);
    }

    /**
     * Creates an endpoint and answers with its secret, once. Fails with WEBHOOK_ADDRESS_REFUSED,
     * RESOURCE_EXISTS where the tenant has the URL already, and TENANT_LIMIT_REACHED.
     * @param \Howdah\Webhooks\V1\CreateEndpointRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function CreateEndpoint(\Howdah\Webhooks\V1\CreateEndpointRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.webhooks.v1.WebhooksService/CreateEndpoint',
        $argument,
        ['\Howdah\Webhooks\V1\CreateEndpointResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Gets one endpoint. Fails with RESOURCE_NOT_FOUND, also for another tenant's endpoint.
     * @param \Howdah\Webhooks\V1\GetEndpointRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function GetEndpoint(\Howdah\Webhooks\V1\GetEndpointRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.webhooks.v1.WebhooksService/GetEndpoint',
        $argument,
        ['\Howdah\Webhooks\V1\GetEndpointResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Lists the tenant's endpoints, oldest first, a page at a time.
     * @param \Howdah\Webhooks\V1\ListEndpointsRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function ListEndpoints(\Howdah\Webhooks\V1\ListEndpointsRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.webhooks.v1.WebhooksService/ListEndpoints',
        $argument,
        ['\Howdah\Webhooks\V1\ListEndpointsResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Changes the fields of an endpoint that are set in the request. One that is enabled, or gets
     * another URL, begins without failures.
     * @param \Howdah\Webhooks\V1\UpdateEndpointRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function UpdateEndpoint(\Howdah\Webhooks\V1\UpdateEndpointRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.webhooks.v1.WebhooksService/UpdateEndpoint',
        $argument,
        ['\Howdah\Webhooks\V1\UpdateEndpointResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Deletes an endpoint with the log of its deliveries. What was not delivered yet is given up.
     * @param \Howdah\Webhooks\V1\DeleteEndpointRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function DeleteEndpoint(\Howdah\Webhooks\V1\DeleteEndpointRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.webhooks.v1.WebhooksService/DeleteEndpoint',
        $argument,
        ['\Howdah\Webhooks\V1\DeleteEndpointResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Makes a new secret and answers with it, once. Until `overlap` is over, messages carry a
     * signature of the old secret as well.
     * @param \Howdah\Webhooks\V1\RotateSecretRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function RotateSecret(\Howdah\Webhooks\V1\RotateSecretRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.webhooks.v1.WebhooksService/RotateSecret',
        $argument,
        ['\Howdah\Webhooks\V1\RotateSecretResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Sends a message of the type `webhook.test` to one endpoint. Fails with
     * WEBHOOK_ENDPOINT_DISABLED where it is disabled.
     * @param \Howdah\Webhooks\V1\SendTestEventRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function SendTestEvent(\Howdah\Webhooks\V1\SendTestEventRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.webhooks.v1.WebhooksService/SendTestEvent',
        $argument,
        ['\Howdah\Webhooks\V1\SendTestEventResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Lists deliveries with every try that was made, newest first, a page at a time.
     * @param \Howdah\Webhooks\V1\ListDeliveriesRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function ListDeliveries(\Howdah\Webhooks\V1\ListDeliveriesRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.webhooks.v1.WebhooksService/ListDeliveries',
        $argument,
        ['\Howdah\Webhooks\V1\ListDeliveriesResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Delivers a message again, under the same `webhook-id`. Fails with WEBHOOK_ENDPOINT_DISABLED
     * where there is no enabled endpoint for it.
     * @param \Howdah\Webhooks\V1\RedeliverMessageRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function RedeliverMessage(\Howdah\Webhooks\V1\RedeliverMessageRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.webhooks.v1.WebhooksService/RedeliverMessage',
        $argument,
        ['\Howdah\Webhooks\V1\RedeliverMessageResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Delivers the messages of a time again, oldest first, to the enabled endpoints they went to.
     * What is still under way and tests are left out. A dry run only tells which.
     * @param \Howdah\Webhooks\V1\RedeliverRangeRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function RedeliverRange(\Howdah\Webhooks\V1\RedeliverRangeRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.webhooks.v1.WebhooksService/RedeliverRange',
        $argument,
        ['\Howdah\Webhooks\V1\RedeliverRangeResponse', 'decode'],
        $metadata, $options);
    }

}
