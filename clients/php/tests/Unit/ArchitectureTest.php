<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Unit;

use PHPUnit\Framework\TestCase;

final class ArchitectureTest extends TestCase
{
    /** Namespace => the namespaces and classes of the client that it may use besides its own. */
    private const MAY_USE = [
        'Breaker' => ['Calls\Clock', 'Calls\SystemClock', 'Code', 'Exception\CircuitOpen', 'Failure', 'Transport\Status'],
        'Calls' => ['Breaker', 'Code', 'Contract', 'Exception', 'Failure', 'Options', 'Signing', 'Transport'],
        'Contract' => ['Code'],
        'Doctor' => ['Breaker', 'Client', 'Exception', 'Transport\Curl\CurlVersion'],
        'Exception' => ['Code', 'Contract', 'Failure'],
        'Failure' => ['Code', 'Contract', 'Exception', 'Transport\Status'],
        'Files' => ['Calls', 'Client', 'Code', 'Exception', 'Failure', 'Service', 'Stub'],
        'Laravel' => ['Client', 'Doctor', 'Exception', 'Howdah', 'Service'],
        'Service' => ['Calls', 'Client', 'Code', 'Contract', 'Exception', 'Failure', 'Files'],
        'Signing' => ['Calls\Clock', 'Calls\SystemClock', 'Exception'],
        'Stub' => ['Calls', 'Code', 'Exception', 'Failure', 'Options', 'Transport'],
        'Symfony' => ['Client', 'Doctor', 'Howdah'],
        'Testing' => ['Calls', 'Client', 'Contract', 'Options', 'Transport'],
        // It carries bytes: it knows nothing of signing, tenants, retries and stubs.
        'Transport' => ['Code', 'Exception'],
        // It verifies what arrives, and calls nobody.
        'Webhooks' => ['Calls\Clock', 'Calls\SystemClock', 'Exception'],
    ];

    public function test_each_namespace_uses_only_what_it_may(): void
    {
        $wrong = [];
        foreach (self::sources() as $path => $source) {
            $from = explode('/', $path)[0];
            preg_match_all('/^use Howdah\\\\Client\\\\([\w\\\\]+)(?: as \w+)?;/m', $source, $found);
            foreach (str_ends_with($from, '.php') ? [] : $found[1] as $used) {
                $allowed = array_filter(
                    [$from, ...self::MAY_USE[$from]],
                    static fn (string $one): bool => $used === $one || str_starts_with($used, $one . '\\'),
                );
                $allowed === [] && $wrong[] = "$path uses $used";
            }
        }

        self::assertSame([], $wrong);
    }

    public function test_only_the_curl_transport_speaks_to_curl_and_only_the_extension_transport_to_ext_grpc(): void
    {
        $wrong = [];
        foreach (self::sources() as $path => $source) {
            if (!str_starts_with($path, 'Transport/Curl/') && preg_match('/\bcurl_(?!version)\w+\(/', $source) === 1) {
                $wrong[] = "$path calls curl";
            }
            if (!str_starts_with($path, 'Transport/Extension/') && preg_match('/new \\\\Grpc\\\\/', $source) === 1) {
                $wrong[] = "$path makes objects of ext-grpc";
            }
        }

        self::assertSame([], $wrong);
    }

    public function test_only_the_glue_of_a_framework_knows_the_framework(): void
    {
        $wrong = [];
        foreach (self::sources() as $path => $source) {
            foreach (['Illuminate' => 'Laravel/', 'Symfony\\Component' => 'Symfony/'] as $framework => $folder) {
                if (!str_starts_with($path, $folder) && str_contains($source, "use $framework\\")) {
                    $wrong[] = "$path uses $framework";
                }
            }
        }

        self::assertSame([], $wrong);
    }

    public function test_every_file_is_strict_and_every_class_final_unless_it_is_meant_to_be_extended(): void
    {
        $open = [];
        foreach (self::sources() as $path => $source) {
            self::assertStringContainsString('declare(strict_types=1);', $source, $path);
            if (preg_match('/^(?:readonly )?class /m', $source) === 1) {
                $open[] = $path;
            }
        }
        sort($open);

        self::assertSame(['Exception/Unavailable.php', 'Stub/BaseStub.php'], $open);
    }

    /** @return iterable<string, string> */
    private static function sources(): iterable
    {
        $root = dirname(__DIR__, 2) . '/src/';
        foreach (new \RecursiveIteratorIterator(new \RecursiveDirectoryIterator($root, \FilesystemIterator::SKIP_DOTS)) as $file) {
            yield substr($file->getPathname(), strlen($root)) => (string) file_get_contents($file->getPathname());
        }
    }
}
