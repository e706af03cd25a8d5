<?php
// GENERATED CODE -- DO NOT EDIT!

namespace Howdah\Records\V1;

/**
 * Keeps the tenant's customers, products and invoices.
 */
class RecordsServiceClient extends \Grpc\BaseStub {

    /**
     * @param string $hostname hostname
     * @param array $opts channel options
     * @param \Grpc\Channel $channel (optional) re-use channel object
     */
    public function __construct($hostname, $opts, $channel = null) {
        parent::__construct($hostname, $opts, $channel);
    }

    /**
     * Creates or replaces up to 1,000 customers, each known by its external id. Items that cannot be stored are
     * listed in `errors`; the others are stored together.
     * @param \Howdah\Records\V1\BatchUpsertCustomersRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function BatchUpsertCustomers(\Howdah\Records\V1\BatchUpsertCustomersRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.records.v1.RecordsService/BatchUpsertCustomers',
        $argument,
        ['\Howdah\Records\V1\BatchUpsertCustomersResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Gets one customer by its external id. Fails with RESOURCE_NOT_FOUND.
     * @param \Howdah\Records\V1\GetCustomerRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function GetCustomer(\Howdah\Records\V1\GetCustomerRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.records.v1.RecordsService/GetCustomer',
        $argument,
        ['\Howdah\Records\V1\GetCustomerResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Lists customers by external id, a page at a time.
     * @param \Howdah\Records\V1\ListCustomersRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function ListCustomers(\Howdah\Records\V1\ListCustomersRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.records.v1.RecordsService/ListCustomers',
        $argument,
        ['\Howdah\Records\V1\ListCustomersResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Deletes one customer by its external id. Fails with RESOURCE_NOT_FOUND where there is none, and with
     * CUSTOMER_HAS_INVOICES where an invoice names it.
     * @param \Howdah\Records\V1\DeleteCustomerRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function DeleteCustomer(\Howdah\Records\V1\DeleteCustomerRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.records.v1.RecordsService/DeleteCustomer',
        $argument,
        ['\Howdah\Records\V1\DeleteCustomerResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Creates or replaces up to 1,000 products, each known by its SKU. Items that cannot be stored are
     * listed in `errors`; the others are stored together.
     * @param \Howdah\Records\V1\BatchUpsertProductsRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function BatchUpsertProducts(\Howdah\Records\V1\BatchUpsertProductsRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.records.v1.RecordsService/BatchUpsertProducts',
        $argument,
        ['\Howdah\Records\V1\BatchUpsertProductsResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Gets one product by its SKU. Fails with RESOURCE_NOT_FOUND.
     * @param \Howdah\Records\V1\GetProductRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function GetProduct(\Howdah\Records\V1\GetProductRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.records.v1.RecordsService/GetProduct',
        $argument,
        ['\Howdah\Records\V1\GetProductResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Lists products by SKU, a page at a time.
     * @param \Howdah\Records\V1\ListProductsRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function ListProducts(\Howdah\Records\V1\ListProductsRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.records.v1.RecordsService/ListProducts',
        $argument,
        ['\Howdah\Records\V1\ListProductsResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Creates or replaces up to 1,000 invoices, each known by its number. Items that cannot be stored are
     * listed in `errors`; the others are stored together.
     * @param \Howdah\Records\V1\BatchUpsertInvoicesRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function BatchUpsertInvoices(\Howdah\Records\V1\BatchUpsertInvoicesRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.records.v1.RecordsService/BatchUpsertInvoices',
        $argument,
        ['\Howdah\Records\V1\BatchUpsertInvoicesResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Gets one invoice by its number. Fails with RESOURCE_NOT_FOUND.
     * @param \Howdah\Records\V1\GetInvoiceRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function GetInvoice(\Howdah\Records\V1\GetInvoiceRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.records.v1.RecordsService/GetInvoice',
        $argument,
        ['\Howdah\Records\V1\GetInvoiceResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Lists invoices by number, a page at a time.
     * @param \Howdah\Records\V1\ListInvoicesRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function ListInvoices(\Howdah\Records\V1\ListInvoicesRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.records.v1.RecordsService/ListInvoices',
        $argument,
        ['\Howdah\Records\V1\ListInvoicesResponse', 'decode'],
        $metadata, $options);
    }

    /**
     * Starts a job of kind `records.import` that reads an uploaded file into invoices. A row that cannot
     * be stored goes to an error file with its number, column and reason; every row is either stored or
     * rejected, and importing a file twice changes nothing. Fails with FILE_NOT_READY before the upload
     * is complete.
     * @param \Howdah\Records\V1\StartImportRequest $argument input argument
     * @param array $metadata metadata
     * @param array $options call options
     * @return \Grpc\UnaryCall
     */
    public function StartImport(\Howdah\Records\V1\StartImportRequest $argument,
      $metadata = [], $options = []) {
        return $this->_simpleRequest('/howdah.records.v1.RecordsService/StartImport',
        $argument,
        ['\Howdah\Records\V1\StartImportResponse', 'decode'],
        $metadata, $options);
    }

}
