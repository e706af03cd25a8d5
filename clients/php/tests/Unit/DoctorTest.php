<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Unit;

use Google\Protobuf\Timestamp;
use Howdah\Client\Contract\Reason;
use Howdah\Client\Doctor\Connection;
use Howdah\Client\Doctor\Finding;
use Howdah\Client\Doctor\Installation;
use Howdah\Client\Testing\HowdahFake;
use Howdah\Node\V1\PingResponse;
use PHPUnit\Framework\TestCase;

final class DoctorTest extends TestCase
{
    /** @param list<Finding> $findings */
    private static function text(array $findings): string
    {
        return implode("\n", array_map(strval(...), $findings));
    }

    private static function node(int $aheadSeconds): HowdahFake
    {
        $time = (new Timestamp())->setSeconds(time() + $aheadSeconds);

        return (new HowdahFake())->answer('Ping', (new PingResponse())->setTenantId('acme')->setKeyId('k-1')->setServerTime($time));
    }

    public function test_what_is_well_is_said_to_be(): void
    {
        $text = self::text(Connection::check(self::node(0)->client()));

        self::assertMatchesRegularExpression('/^ok    signature  accepted, key k-1$/m', $text);
        self::assertMatchesRegularExpression('/^ok    tenant     acme$/m', $text);
        self::assertStringNotContainsString('→', $text);
    }

    public function test_a_clock_that_is_off_is_noticed_before_calls_fail(): void
    {
        self::assertMatchesRegularExpression('/^warn  clock      the node is 4\d\.\d\d s behind$/m', self::text(Connection::check(self::node(-45)->client())));
    }

    public function test_a_refusal_comes_with_what_to_do(): void
    {
        $findings = Connection::check((new HowdahFake())->fail('Ping', Reason::TenantNotAllowed)->client());

        self::assertTrue($findings[0]->isBad());
        self::assertStringContainsString('→ HOWDAH_TENANT is not the tenant of this key.', (string) $findings[0]);
    }

    public function test_the_pools_of_php_fpm_are_read(): void
    {
        $file = (string) tempnam(sys_get_temp_dir(), 'pool');
        file_put_contents($file, "[www]\nuser = www-data\npm = dynamic\npm.max_children = 5\n;request_terminate_timeout = 0\n");
        $text = self::text(Installation::check($file));
        unlink($file);

        self::assertStringContainsString('warn  PHP-FPM    pool www: 5 workers, no end to a request', $text);
        self::assertStringContainsString('ok    PHP ', $text);
    }

    public function test_the_command_says_what_is_not_set(): void
    {
        $command = sprintf('env -u HOWDAH_DSN -u HOWDAH_ADDRESS %s %s', escapeshellarg(PHP_BINARY), escapeshellarg(dirname(__DIR__, 2) . '/bin/howdah-doctor'));
        exec($command, $output, $exit);

        self::assertSame(1, $exit);
        self::assertStringContainsString('HOWDAH_ADDRESS', implode("\n", $output));
    }
}
