<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Unit;

use Google\Protobuf\Timestamp;
use Howdah\Client\Contract\Reason;
use Howdah\Client\Doctor\Connection;
use Howdah\Client\Doctor\Finding;
use Howdah\Client\Doctor\Fpm;
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

    /** @param array<string, string> $files */
    private static function fpm(array $files): string
    {
        $folder = sys_get_temp_dir() . '/' . uniqid('howdah-fpm-');
        mkdir("$folder/conf.d", recursive: true);
        mkdir("$folder/pool.d");
        try {
            foreach ($files as $name => $text) {
                file_put_contents("$folder/$name", $text);
            }

            return str_replace($folder, 'FPM', self::text(Fpm::check($folder)));
        } finally {
            array_map('unlink', glob("$folder/*/*") ?: []);
            array_map('rmdir', [...(glob("$folder/*") ?: []), $folder]);
        }
    }

    private const ALL = "extension=curl.so\n zend_extension = /usr/lib/php/opcache.so\nextension=\"apcu\" ; shared\n";

    public function test_the_pools_of_php_fpm_are_read(): void
    {
        $text = self::fpm([
            'conf.d/20-all.ini' => self::ALL,
            'pool.d/www.conf' => "[www]\nuser = www-data\npm = dynamic\npm.max_children = 5\n;request_terminate_timeout = 0\n",
            'pool.d/api.conf' => "[api]\npm.max_children = 9\nrequest_terminate_timeout = 30s\n",
        ]);

        self::assertStringContainsString('warn  PHP-FPM    pool www: 5 workers, no end to a request', $text);
        self::assertStringContainsString('ok    PHP-FPM    pool api: 9 workers, at most 30s for a request', $text);
        self::assertStringNotContainsString('loads no', $text);
    }

    public function test_this_php_is_looked_at(): void
    {
        self::assertStringContainsString('ok    PHP        ' . PHP_VERSION, self::text(Installation::check()));
    }

    public function test_what_the_terminal_has_and_the_workers_have_not_is_found(): void
    {
        $text = self::fpm(['conf.d/20-json.ini' => ";extension=curl.so\nextension=curlish.so\n", 'pool.d/www.conf' => "[www]\npm.max_children = 5\n"]);

        self::assertStringContainsString('FAIL  PHP-FPM    FPM loads neither curl nor grpc', $text);
        self::assertStringContainsString('warn  PHP-FPM    FPM loads no APCu', $text);
        self::assertStringContainsString('warn  PHP-FPM    FPM loads no OPcache', $text);
    }

    public function test_without_php_fpm_nothing_is_said_of_it(): void
    {
        self::assertSame('', self::fpm(['conf.d/20-json.ini' => '']));
    }

    public function test_an_environment_that_the_workers_do_not_get_is_found(): void
    {
        $pools = [
            'pool.d/a.conf' => "[deaf]\npm.max_children = 1\n",
            'pool.d/b.conf' => "[open]\npm.max_children = 1\nclear_env = no\n",
            'pool.d/c.conf' => "[told]\npm.max_children = 1\nenv[HOWDAH_DSN] = \$HOWDAH_DSN\n",
        ];
        $before = getenv('HOWDAH_DSN');
        putenv('HOWDAH_DSN=howdah://k:s@127.0.0.1:1');
        try {
            $text = self::fpm(['conf.d/20-all.ini' => self::ALL] + $pools);
        } finally {
            putenv($before === false ? 'HOWDAH_DSN' : "HOWDAH_DSN=$before");
        }

        self::assertStringContainsString('pool deaf: its workers do not see the HOWDAH_… of the environment', $text);
        self::assertSame(1, substr_count($text, 'do not see'));
    }

    public function test_the_command_says_what_is_not_set(): void
    {
        $command = sprintf('env -u HOWDAH_DSN -u HOWDAH_ADDRESS %s %s', escapeshellarg(PHP_BINARY), escapeshellarg(dirname(__DIR__, 2) . '/bin/howdah-doctor'));
        exec($command, $output, $exit);

        self::assertSame(1, $exit);
        self::assertStringContainsString('HOWDAH_ADDRESS', implode("\n", $output));
    }
}
