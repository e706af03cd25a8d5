<?php

declare(strict_types=1);

use Howdah\Analytics\V1\ComputeKpisRequest;
use Howdah\Analytics\V1\ComputeKpisResponse;
use Howdah\Analytics\V1\Kpis;
use Howdah\Client\Client;
use PHPUnit\Framework\TestCase;

require_once 'PHPUnit/Autoload.php';

final class SalesPage
{
    public function __construct(private Client $howdah)
    {
    }

    public function render(): string
    {
        return $this->howdah->analytics()->computeKpis('2021-01-01', '2022-07-01')->getKpis()->getOrders() . ' orders';
    }
}

final class SalesPageTest extends TestCase
{
    public function test(): void
    {
        // [snippet]
    }
}

(new SalesPageTest())->test();
