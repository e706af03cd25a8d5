<?php

declare(strict_types=1);

namespace Howdah\Client\Service;

use Howdah\Client\Client;
use Howdah\Client\Exception\HowdahException;
use Howdah\Jobs\V1\Job;
use Howdah\Records\V1\BatchUpsertCustomersRequest;
use Howdah\Records\V1\BatchUpsertCustomersResponse;
use Howdah\Records\V1\BatchUpsertInvoicesRequest;
use Howdah\Records\V1\BatchUpsertInvoicesResponse;
use Howdah\Records\V1\BatchUpsertProductsRequest;
use Howdah\Records\V1\BatchUpsertProductsResponse;
use Howdah\Records\V1\Customer;
use Howdah\Records\V1\DeleteCustomerRequest;
use Howdah\Records\V1\GetCustomerRequest;
use Howdah\Records\V1\GetInvoiceRequest;
use Howdah\Records\V1\GetProductRequest;
use Howdah\Records\V1\ImportMapping;
use Howdah\Records\V1\Invoice;
use Howdah\Records\V1\ListCustomersRequest;
use Howdah\Records\V1\ListInvoicesRequest;
use Howdah\Records\V1\ListProductsRequest;
use Howdah\Records\V1\Product;
use Howdah\Records\V1\RecordsServiceClient;
use Howdah\Records\V1\StartImportRequest;

/** The tenant's customers, products and invoices. Every method throws a HowdahException where it fails. */
final readonly class Records
{
    private RecordsServiceClient $stub;

    public function __construct(Client $client)
    {
        $this->stub = $client->stub(RecordsServiceClient::class, awaited: true);
    }

    /**
     * Creates or replaces up to 1,000; those that cannot be stored are listed in the answer.
     *
     * @param list<Customer> $customers
     *
     * @throws HowdahException
     */
    public function upsertCustomers(array $customers, string $idempotencyKey = ''): BatchUpsertCustomersResponse
    {
        return $this->stub->BatchUpsertCustomers((new BatchUpsertCustomersRequest())
            ->setCustomers($customers)->setIdempotencyKey($idempotencyKey))->answer();
    }

    /**
     * Creates or replaces up to 1,000; those that cannot be stored are listed in the answer.
     *
     * @param list<Product> $products
     *
     * @throws HowdahException
     */
    public function upsertProducts(array $products, string $idempotencyKey = ''): BatchUpsertProductsResponse
    {
        return $this->stub->BatchUpsertProducts((new BatchUpsertProductsRequest())
            ->setProducts($products)->setIdempotencyKey($idempotencyKey))->answer();
    }

    /**
     * Creates or replaces up to 1,000; those that cannot be stored are listed in the answer.
     *
     * @param list<Invoice> $invoices
     *
     * @throws HowdahException
     */
    public function upsertInvoices(array $invoices, string $idempotencyKey = ''): BatchUpsertInvoicesResponse
    {
        return $this->stub->BatchUpsertInvoices((new BatchUpsertInvoicesRequest())
            ->setInvoices($invoices)->setIdempotencyKey($idempotencyKey))->answer();
    }

    public function getCustomer(string $externalId): Customer
    {
        return $this->stub->GetCustomer((new GetCustomerRequest())->setExternalId($externalId))->answer()->getCustomer();
    }

    /** Deletes a customer whom no invoice names; one with invoices fails with CUSTOMER_HAS_INVOICES. */
    public function deleteCustomer(string $externalId, string $idempotencyKey = ''): void
    {
        $this->stub->DeleteCustomer((new DeleteCustomerRequest())
            ->setExternalId($externalId)->setIdempotencyKey($idempotencyKey))->answer();
    }

    public function getProduct(string $sku): Product
    {
        return $this->stub->GetProduct((new GetProductRequest())->setSku($sku))->answer()->getProduct();
    }

    public function getInvoice(string $number): Invoice
    {
        return $this->stub->GetInvoice((new GetInvoiceRequest())->setNumber($number))->answer()->getInvoice();
    }

    /**
     * All customers by external id, fetched page by page as they are read.
     *
     * @return \Generator<int, Customer>
     */
    public function customers(int $pageSize = 0): \Generator
    {
        return Pages::of(
            fn (string $token) => $this->stub->ListCustomers(
                (new ListCustomersRequest())->setPageSize($pageSize)->setPageToken($token),
            )->answer(),
            static fn (object $page): iterable => $page->getCustomers(),
        );
    }

    /**
     * All products by SKU, fetched page by page as they are read.
     *
     * @return \Generator<int, Product>
     */
    public function products(int $pageSize = 0): \Generator
    {
        return Pages::of(
            fn (string $token) => $this->stub->ListProducts(
                (new ListProductsRequest())->setPageSize($pageSize)->setPageToken($token),
            )->answer(),
            static fn (object $page): iterable => $page->getProducts(),
        );
    }

    /**
     * All invoices by number, fetched page by page as they are read.
     *
     * @param string $customer external id of the customer whose invoices are wanted; empty for all
     *
     * @return \Generator<int, Invoice>
     */
    public function invoices(string $customer = '', int $pageSize = 0): \Generator
    {
        return Pages::of(
            fn (string $token) => $this->stub->ListInvoices(
                (new ListInvoicesRequest())->setPageSize($pageSize)->setPageToken($token)->setCustomerExternalId($customer),
            )->answer(),
            static fn (object $page): iterable => $page->getInvoices(),
        );
    }

    /**
     * Starts the job that reads an uploaded file into invoices.
     *
     * @param string $idempotencyKey calls with the same key start one job; made where empty
     */
    public function startImport(string $fileId, ImportMapping $mapping, string $idempotencyKey = ''): Job
    {
        return $this->stub->StartImport((new StartImportRequest())
            ->setFileId($fileId)->setMapping($mapping)->setIdempotencyKey($idempotencyKey))->answer()->getJob();
    }
}
