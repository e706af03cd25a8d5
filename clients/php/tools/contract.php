#!/usr/bin/env php
<?php

// Writes src/Contract/ from the contract: buf build -o - | php clients/php/tools/contract.php [--check]

declare(strict_types=1);

use Howdah\Client\Failure\WireReader;

require __DIR__ . '/../tests/autoload.php';

const METHOD_POLICY = 50101;
const REASON_INFO = 50301;

/** @return array<string, string> PHP source of the two tables, by file name */
function tables(string $descriptorSet): array
{
    $methods = $reasons = [];
    foreach (WireReader::strings($descriptorSet, 1) as $file) {
        $package = WireReader::string($file, 2);
        foreach (WireReader::strings($file, 6) as $service) {
            foreach (WireReader::strings($service, 2) as $method) {
                $policy = WireReader::string(WireReader::string($method, 4), METHOD_POLICY);
                if ($policy !== '') {
                    $path = sprintf('/%s.%s/%s', $package, WireReader::string($service, 1), WireReader::string($method, 1));
                    $methods[$path] = [WireReader::integer($policy, 4), WireReader::integer($policy, 7) === 1];
                }
            }
        }
        if ($package === 'howdah.errors.v1') {
            foreach (WireReader::strings(WireReader::strings($file, 5)[0], 2) as $value) {
                $info = WireReader::string(WireReader::string($value, 3), REASON_INFO);
                if ($info !== '') {
                    $name = substr(WireReader::string($value, 1), strlen('REASON_'));
                    $reasons[$name] = WireReader::integer($info, 2) === 1;
                }
            }
        }
    }
    ksort($methods);
    if ($methods === [] || $reasons === []) {
        fwrite(STDERR, "Standard input is no descriptor set of the contract: buf build -o - | php clients/php/tools/contract.php\n");
        exit(2);
    }

    return ['Methods.php' => methods($methods), 'Reasons.php' => reasons($reasons)];
}

/** @param array<string, array{int, bool}> $methods */
function methods(array $methods): string
{
    $rows = '';
    foreach ($methods as $path => [$deadline, $mutates]) {
        $rows .= sprintf("        '%s' => [%d, %s],\n", $path, $deadline, $mutates ? 'true' : 'false');
    }

    return <<<PHP
        <?php

        declare(strict_types=1);

        namespace Howdah\\Client\\Contract;

        /** What the contract says of each method. Written by tools/contract.php; do not edit. */
        final class Methods
        {
            /** Path => default deadline in milliseconds, whether it changes something. */
            private const POLICIES = [
        {$rows}    ];

            /** Seconds; null for a method that the contract does not have. */
            public static function defaultTimeout(string \$path): ?float
            {
                return isset(self::POLICIES[\$path]) ? self::POLICIES[\$path][0] / 1000 : null;
            }

            /** Tells that a method only reads. One that is not known may change something. */
            public static function isRead(string \$path): bool
            {
                return isset(self::POLICIES[\$path]) && !self::POLICIES[\$path][1];
            }
        }

        PHP;
}

/** @param array<string, bool> $reasons */
function reasons(array $reasons): string
{
    $rows = '';
    foreach ($reasons as $name => $retryable) {
        $rows .= sprintf("        '%s' => %s,\n", $name, $retryable ? 'true' : 'false');
    }

    return <<<PHP
        <?php

        declare(strict_types=1);

        namespace Howdah\\Client\\Contract;

        /** What the contract says of each reason. Written by tools/contract.php; do not edit. */
        final class Reasons
        {
            private const RETRYABLE = [
        {$rows}    ];

            /** Tells whether trying again, unchanged, can help; null for a reason that is not known. */
            public static function isRetryable(string \$reason): ?bool
            {
                return self::RETRYABLE[\$reason] ?? null;
            }
        }

        PHP;
}

$stale = 0;
foreach (tables((string) stream_get_contents(STDIN)) as $name => $source) {
    $path = __DIR__ . '/../src/Contract/' . $name;
    if (in_array('--check', $argv, true)) {
        if (!is_file($path) || file_get_contents($path) !== $source) {
            fwrite(STDERR, "src/Contract/$name is not what the contract says.\n");
            $stale = 1;
        }
    } else {
        file_put_contents($path, $source);
    }
}
exit($stale);
