<?php

declare(strict_types=1);

namespace Howdah\Client\Service;

use Howdah\Analytics\V1\AnalyticsServiceClient;
use Howdah\Analytics\V1\ComputeCohortsRequest;
use Howdah\Analytics\V1\ComputeCohortsResponse;
use Howdah\Analytics\V1\ComputeKpisRequest;
use Howdah\Analytics\V1\ComputeKpisResponse;
use Howdah\Analytics\V1\Granularity;
use Howdah\Client\Client;
use Howdah\Client\Exception\HowdahException;

/** Figures over the tenant's invoices. */
final readonly class Analytics
{
    private AnalyticsServiceClient $stub;

    public function __construct(Client $client)
    {
        $this->stub = $client->stub(AnalyticsServiceClient::class, awaited: true);
    }

    /**
     * @param string|\DateTimeInterface $start       first day, in the tenant's time zone
     * @param string|\DateTimeInterface $end         day after the last
     * @param string                    $currency    ISO 4217 code; the tenant's where empty
     * @param int                       $churnDays   days without a sale that make a churned customer; 90 where 0
     * @param int                       $topLimit    length of the lists of the best; 5 where 0
     * @param int                       $granularity a constant of Granularity; no series where unspecified
     *
     * @throws HowdahException
     */
    public function computeKpis(
        string|\DateTimeInterface $start,
        string|\DateTimeInterface $end,
        string $currency = '',
        int $churnDays = 0,
        int $topLimit = 0,
        int $granularity = Granularity::GRANULARITY_UNSPECIFIED,
        bool $comparePrevious = false,
    ): ComputeKpisResponse {
        return $this->stub->ComputeKpis((new ComputeKpisRequest())
            ->setStartDate(Period::day($start))
            ->setEndDate(Period::day($end))
            ->setCurrency($currency)
            ->setChurnDays($churnDays)
            ->setTopLimit($topLimit)
            ->setGranularity($granularity)
            ->setComparePrevious($comparePrevious))->answer();
    }

    /**
     * @param int $limit number of months, the latest ones; 24 where 0
     *
     * @throws HowdahException
     */
    public function computeCohorts(string $currency = '', int $limit = 0): ComputeCohortsResponse
    {
        return $this->stub->ComputeCohorts((new ComputeCohortsRequest())->setCurrency($currency)->setLimit($limit))->answer();
    }
}
