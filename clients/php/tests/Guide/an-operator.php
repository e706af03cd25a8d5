<?php

declare(strict_types=1);

$operatorKeyId = (string) getenv('HOWDAH_OPERATOR_KEY_ID');
$operatorSecret = (string) getenv('HOWDAH_OPERATOR_SECRET');
$operator = \Howdah\Client\Howdah::connect($address, $operatorKeyId, $operatorSecret);
$tenant = (string) $acme->options()->tenant;
register_shutdown_function(static function () use ($operator, $tenant): void {
    $operator->queues()->setShare($tenant, weight: 1, maxRunning: 0);
    $operator->queues()->resume($tenant);
});
// [snippet]
