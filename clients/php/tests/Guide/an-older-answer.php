<?php

declare(strict_types=1);

use Howdah\Analytics\V1\Kpis;

$cache = new class {
    public function get(string $name): Kpis
    {
        return (new Kpis())->setOrders(7);
    }
};
// [snippet]

check($outcome->ok && !$kpis instanceof Closure, 'the node answers');
