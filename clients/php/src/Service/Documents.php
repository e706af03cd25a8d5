<?php

declare(strict_types=1);

namespace Howdah\Client\Service;

use Howdah\Client\Client;
use Howdah\Client\Exception\HowdahException;
use Howdah\Documents\V1\DocumentsServiceClient;
use Howdah\Documents\V1\StartWorkbookRequest;
use Howdah\Jobs\V1\Job;

/** Documents made from the tenant's records. */
final readonly class Documents
{
    private DocumentsServiceClient $stub;

    public function __construct(Client $client)
    {
        $this->stub = $client->stub(DocumentsServiceClient::class, awaited: true);
    }

    /**
     * Starts the job that writes the sales workbook; its `file_id` names the file when it has succeeded.
     *
     * @param string|\DateTimeInterface $start          first day, in the tenant's time zone
     * @param string|\DateTimeInterface $end            day after the last
     * @param string                    $idempotencyKey calls with the same key start one job; made where empty
     *
     * @throws HowdahException
     */
    public function startWorkbook(
        string|\DateTimeInterface $start,
        string|\DateTimeInterface $end,
        string $currency = '',
        string $title = '',
        string $idempotencyKey = '',
    ): Job {
        return $this->stub->StartWorkbook((new StartWorkbookRequest())
            ->setStartDate(Period::day($start))
            ->setEndDate(Period::day($end))
            ->setCurrency($currency)
            ->setTitle($title)
            ->setIdempotencyKey($idempotencyKey))->answer()->getJob();
    }
}
