<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Node;

use Howdah\Client\Client;
use Howdah\Client\Howdah;
use PHPUnit\Framework\TestCase;

/**
 * Runs against a node: HOWDAH_ADDRESS, HOWDAH_TENANT, HOWDAH_KEY_ID and HOWDAH_SECRET of a credential with the
 * role admin for that tenant alone, HOWDAH_OPERATOR_KEY_ID and HOWDAH_OPERATOR_SECRET of an operator's. What a test
 * stores carries a name of its own, so the node may be used before and after.
 */
abstract class NodeTestCase extends TestCase
{
    protected static function client(): Client
    {
        self::needs('HOWDAH_ADDRESS', 'HOWDAH_TENANT', 'HOWDAH_KEY_ID', 'HOWDAH_SECRET');

        return Howdah::fromEnvironment();
    }

    /** A client with the operator's key, and no tenant. */
    protected static function operator(): Client
    {
        self::needs('HOWDAH_ADDRESS', 'HOWDAH_OPERATOR_KEY_ID', 'HOWDAH_OPERATOR_SECRET');

        return Howdah::connect(
            (string) getenv('HOWDAH_ADDRESS'),
            (string) getenv('HOWDAH_OPERATOR_KEY_ID'),
            (string) getenv('HOWDAH_OPERATOR_SECRET'),
        );
    }

    private static function needs(string ...$names): void
    {
        foreach ($names as $name) {
            if ((string) getenv($name) === '') {
                self::fail("$name is not set: start a node (`howdah up`), create a tenant and keys, and export their values.");
            }
        }
    }

    protected static function unique(string $prefix): string
    {
        return $prefix . '-' . bin2hex(random_bytes(5));
    }

    protected static function temporaryFile(string $content): string
    {
        $path = (string) tempnam(sys_get_temp_dir(), 'howdah');
        file_put_contents($path, $content);
        register_shutdown_function(static fn () => is_file($path) && unlink($path));

        return $path;
    }
}
