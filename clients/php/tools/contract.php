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
                    $reasons[$name] = [WireReader::string($info, 1), WireReader::integer($info, 2) === 1, WireReader::string($info, 3)];
                }
            }
        }
    }
    ksort($methods);
    if ($methods === [] || $reasons === []) {
        fwrite(STDERR, "Standard input is no descriptor set of the contract: buf build -o - | php clients/php/tools/contract.php\n");
        exit(2);
    }

    return ['Methods.php' => methods($methods), 'Reason.php' => reasons($reasons)];
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

            /** The path of a method that is named by its path or, alone, by its name; null where there is none. */
            public static function path(string \$method): ?string
            {
                foreach (self::POLICIES as \$path => \$policy) {
                    if (\$path === \$method || str_ends_with(\$path, '/' . \$method)) {
                        return \$path;
                    }
                }

                return null;
            }

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

/** @param array<string, array{string, bool, string}> $reasons status, whether to try again, and what it means */
function reasons(array $reasons): string
{
    $german = require __DIR__ . '/texts.de.php';
    $cases = $rows = '';
    foreach ($reasons as $name => [$code, $retryable, $english]) {
        $cases .= sprintf("    case %s = '%s';\n", str_replace('_', '', ucwords(strtolower($name), '_')), $name);
        $rows .= sprintf(
            "        '%s' => ['%s', %s, %s, %s],\n",
            $name,
            $code,
            $retryable ? 'true' : 'false',
            var_export($english, true),
            var_export($german[$name] ?? $english, true),
        );
    }

    return <<<PHP
        <?php

        declare(strict_types=1);

        namespace Howdah\\Client\\Contract;

        use Howdah\\Client\\Code;

        /** Why a call or a job can fail, as the contract lists it. Written by tools/contract.php; do not edit. */
        enum Reason: string
        {
        {$cases}
            /** Reason => status, whether trying again can help, English and German text. */
            private const CATALOGUE = [
        {$rows}    ];

            /** The status it comes with. */
            public function code(): Code
            {
                return Code::named(self::CATALOGUE[\$this->value][0]);
            }

            /** Tells whether trying again, unchanged, can help. */
            public function isRetryable(): bool
            {
                return self::CATALOGUE[\$this->value][1];
            }

            /**
             * What it means, in a sentence.
             *
             * @param string \$language `de`; English for every other one
             */
            public function text(string \$language = 'en'): string
            {
                return self::CATALOGUE[\$this->value][str_starts_with(strtolower(\$language), 'de') ? 3 : 2];
            }

            /** Its name in catalogues of messages, such as `howdah.fields_invalid`. */
            public function messageKey(): string
            {
                return 'howdah.' . strtolower(\$this->value);
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
