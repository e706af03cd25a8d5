<?php
// GENERATED CODE -- DO NOT EDIT!

namespace Howdah\Tenants\V1;

/**
 * Manages tenants and the credentials of their callers. All methods need the `operator` role.
 */
class TenantsServiceClient extends \Grpc\BaseStub {

    /**
     * @param string $hostname hostname
     * @param array $opts channel options
     * @param \Grpc\Channel $channel (optional) re-use channel object
     */
    public function __construct($hostname, $opts, $channel = null) {
        parent::__construct($hostname, $opts, $channel);
    }

    /**
     * Creates a tenant. Fails with RESOURCE_EXISTS where the id is taken.
     * @param \Howdah\Tenants\V1\CreateTenantRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function CreateTenant(\Howdah\Tenants\V1\CreateTenantRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.tenants.v1.TenantsService/CreateTenant',
        $argument,
        ['\Howdah\Tenants\V1\CreateTenantResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Gets one tenant. Fails with RESOURCE_NOT_FOUND.
     * @param \Howdah\Tenants\V1\GetTenantRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function GetTenant(\Howdah\Tenants\V1\GetTenantRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.tenants.v1.TenantsService/GetTenant',
        $argument,
        ['\Howdah\Tenants\V1\GetTenantResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Lists tenants by id, a page at a time.
     * @param \Howdah\Tenants\V1\ListTenantsRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function ListTenants(\Howdah\Tenants\V1\ListTenantsRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.tenants.v1.TenantsService/ListTenants',
        $argument,
        ['\Howdah\Tenants\V1\ListTenantsResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Creates a credential and answers with its secret, once.
     * @param \Howdah\Tenants\V1\CreateCredentialRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function CreateCredential(\Howdah\Tenants\V1\CreateCredentialRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.tenants.v1.TenantsService/CreateCredential',
        $argument,
        ['\Howdah\Tenants\V1\CreateCredentialResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Lists credentials by key id, a page at a time, without their secrets.
     * @param \Howdah\Tenants\V1\ListCredentialsRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function ListCredentials(\Howdah\Tenants\V1\ListCredentialsRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.tenants.v1.TenantsService/ListCredentials',
        $argument,
        ['\Howdah\Tenants\V1\ListCredentialsResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Creates a successor with the same tenants and roles; the old credential ends after `overlap`.
     * @param \Howdah\Tenants\V1\RotateCredentialRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function RotateCredential(\Howdah\Tenants\V1\RotateCredentialRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.tenants.v1.TenantsService/RotateCredential',
        $argument,
        ['\Howdah\Tenants\V1\RotateCredentialResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Ends a credential now; every process refuses it within 5 seconds. Repeating it changes nothing.
     * @param \Howdah\Tenants\V1\RevokeCredentialRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function RevokeCredential(\Howdah\Tenants\V1\RevokeCredentialRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.tenants.v1.TenantsService/RevokeCredential',
        $argument,
        ['\Howdah\Tenants\V1\RevokeCredentialResponse', 'decode'],
        $metadata, $options);
    }

}
