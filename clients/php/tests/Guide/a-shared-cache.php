<?php

declare(strict_types=1);

$psr16 = new \Howdah\Client\Tests\Guide\ArrayCache();
// [snippet]

$acme->node()->ping();
