<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Unit;

use Howdah\Client\Code;
use Howdah\Client\Contract\Reason;
use PHPUnit\Framework\TestCase;

final class ContractTest extends TestCase
{
    public function test_the_tables_of_methods_and_reasons_are_what_the_contract_says(): void
    {
        $root = dirname(__DIR__, 4);
        $command = sprintf(
            'cd %s && set -o pipefail && tools/node_modules/.bin/buf build -o - | %s clients/php/tools/contract.php --check 2>&1',
            escapeshellarg($root),
            escapeshellarg(PHP_BINARY),
        );
        exec('bash -c ' . escapeshellarg($command), $output, $exit);

        self::assertSame(0, $exit, implode("\n", $output) . "\nRun: buf build -o - | php clients/php/tools/contract.php");
    }

    public function test_every_generated_stub_can_be_made_on_this_client(): void
    {
        $stubs = glob(dirname(__DIR__, 4) . '/generated/php/src/Howdah/*/V1/*ServiceClient.php');
        self::assertNotEmpty($stubs);
        foreach ($stubs as $path) {
            $class = 'Howdah\\' . basename(dirname($path, 2)) . '\\V1\\' . basename($path, '.php');
            self::assertInstanceOf('Grpc\\BaseStub', new $class('127.0.0.1:1', ['credentials' => null]));
        }
        self::assertSame(14, constant('Grpc\\STATUS_UNAVAILABLE'));
        self::assertSame(0, constant('Grpc\\STATUS_OK'));
        self::assertNull(\Grpc\ChannelCredentials::createInsecure());
    }

    public function test_every_reason_has_a_status_and_texts(): void
    {
        foreach (Reason::cases() as $reason) {
            self::assertNotSame(Code::Unknown, $reason->code(), $reason->value);
            self::assertNotSame('', $reason->text());
            self::assertNotSame('', $reason->text('de_AT'));
        }
        self::assertSame('Die Nonce wurde schon einmal verwendet.', Reason::NonceReplayed->text('de'));
        self::assertSame('howdah.nonce_replayed', Reason::NonceReplayed->messageKey());
    }
}
