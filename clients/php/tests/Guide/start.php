<?php

// What every block of the guide finds: a client for the tenant, and a period. Whatever PHP complains of ends it.

declare(strict_types=1);

require __DIR__ . '/../bootstrap.php';

set_error_handler(static fn (int $level, string $message, string $file, int $line): bool => (error_reporting() & $level) === 0
    ? false
    : throw new ErrorException($message, 0, $level, $file, $line));

const TESTS = __DIR__ . '/..';

function check(bool $holds, string $what): void
{
    $holds || throw new RuntimeException("Not so: $what");
}

$address = (string) getenv('HOWDAH_ADDRESS');
$keyId = (string) getenv('HOWDAH_KEY_ID');
$secret = (string) getenv('HOWDAH_SECRET');
$acme = Howdah\Client\Howdah::fromEnvironment();
$start = '2021-01-01';
$end = '2022-07-01';
$orderId = bin2hex(random_bytes(6));
