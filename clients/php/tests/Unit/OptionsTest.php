<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Unit;

use Howdah\Client\Calls\Caller;
use Howdah\Client\Calls\Uuid;
use Howdah\Client\Client;
use Howdah\Client\Exception\ConfigurationException;
use Howdah\Client\Howdah;
use Howdah\Client\Options;
use Howdah\Client\Tests\Support\FakeClock;
use Howdah\Client\Tests\Support\ScriptedTransport;
use Howdah\Client\Transport\Status;
use Howdah\Client\Code;
use PHPUnit\Framework\TestCase;

final class OptionsTest extends TestCase
{
    private const UUID = '/\A[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\z/';

    private const VARIABLES = [
        'HOWDAH_ADDRESS', 'HOWDAH_KEY_ID', 'HOWDAH_SECRET', 'HOWDAH_TOKEN', 'HOWDAH_TENANT', 'HOWDAH_AUDIENCE', 'HOWDAH_CA_FILE',
    ];

    /** @var array<string, string|false> */
    private array $environment = [];

    protected function setUp(): void
    {
        foreach (self::VARIABLES as $name) {
            $this->environment[$name] = getenv($name);
            putenv($name);
            unset($_SERVER[$name], $_ENV[$name]);
        }
    }

    protected function tearDown(): void
    {
        foreach ($this->environment as $name => $value) {
            putenv($value === false ? $name : "$name=$value");
        }
    }

    public function test_a_copy_leaves_the_original_as_it_was(): void
    {
        $plain = new Options();
        $changed = $plain->withTenant('acme')->withTimeout(2.5)->withRetries(0)->withMetadata('x-a', 'b')
            ->withCorrelationId('4ba193f8-c1fd-4c98-bf49-d9c99beaef8d')->withAudience('howdah-staging');

        self::assertEquals(new Options(), $plain);
        self::assertSame(
            ['acme', 2.5, 0, ['x-a' => ['b']], '4ba193f8-c1fd-4c98-bf49-d9c99beaef8d', 'howdah-staging'],
            [$changed->tenant, $changed->timeout, $changed->retries->count, $changed->metadata, $changed->correlationId, $changed->audience],
        );
    }

    public function test_clients_of_tenants_do_not_mix(): void
    {
        $client = new Client(new Caller(new ScriptedTransport([[[], new Status(Code::Ok)]]), new Options()));
        $acme = $client->tenant('acme');
        $globex = $acme->tenant('globex');

        self::assertSame([null, 'acme', 'globex'], [$client->options()->tenant, $acme->options()->tenant, $globex->options()->tenant]);
    }

    /** @dataProvider wrongOptions */
    public function test_wrong_options_are_refused_before_a_call(\Closure $make): void
    {
        $this->expectException(ConfigurationException::class);
        $make(new Options());
    }

    /** @return iterable<string, array{\Closure}> */
    public static function wrongOptions(): iterable
    {
        yield 'tenant with a slash' => [static fn (Options $o) => $o->withTenant('../etc')];
        yield 'tenant with a line break' => [static fn (Options $o) => $o->withTenant("acme\n")];
        yield 'empty tenant' => [static fn (Options $o) => $o->withTenant('')];
        yield 'no time' => [static fn (Options $o) => $o->withTimeout(0.0)];
        yield 'correlation id' => [static fn (Options $o) => $o->withCorrelationId('42')];
        yield 'header injection' => [static fn (Options $o) => $o->withMetadata('x-a', "b\r\nx-tenant-id: globex")];
        yield 'metadata name' => [static fn (Options $o) => $o->withMetadata("x-a\r\ny", 'b')];
        yield 'reserved metadata' => [static fn (Options $o) => $o->withMetadata('grpc-timeout', '1S')];
    }

    public function test_a_call_without_a_correlation_id_gets_a_new_one_each_time(): void
    {
        $transport = new ScriptedTransport([[['x'], new Status(Code::Ok)]]);
        $caller = new Caller($transport, new Options(), new FakeClock());
        $ids = [$caller->begin('/a/b', '')->call->correlationId, $caller->begin('/a/b', '')->call->correlationId];

        self::assertMatchesRegularExpression(self::UUID, $ids[0]);
        self::assertNotSame($ids[0], $ids[1]);
        self::assertMatchesRegularExpression(self::UUID, Uuid::random());
    }

    public function test_the_contract_gives_the_deadline_where_the_caller_gives_none(): void
    {
        $transport = new ScriptedTransport([[['x'], new Status(Code::Ok)]]);
        $caller = new Caller($transport, new Options(), new FakeClock());
        $caller->begin('/howdah.analytics.v1.AnalyticsService/ComputeKpis', '');
        $caller->withOptions((new Options())->withTimeout(1.5))->begin('/howdah.analytics.v1.AnalyticsService/ComputeKpis', '');
        $caller->begin('/other.Service/Method', '');

        self::assertEquals([10.0, 1.5, 30.0], array_column($transport->requests, 'timeout'));
    }

    public function test_metadata_of_the_call_wins_and_is_signed_as_sent(): void
    {
        $transport = new ScriptedTransport([[['x'], new Status(Code::Ok)]]);
        $call = (new Caller($transport, new Options(tenant: 'acme')))->begin('/a/b', '', ['X-Tenant-Id' => ['globex']])->call;

        self::assertSame('globex', $call->tenant);
        self::assertSame(['globex'], $transport->requests[0]->metadata['x-tenant-id']);
    }

    public function test_the_environment_is_read(): void
    {
        putenv('HOWDAH_ADDRESS=127.0.0.1:50051');
        putenv('HOWDAH_KEY_ID=php');
        putenv('HOWDAH_SECRET=' . str_repeat('ab', 32));
        putenv('HOWDAH_TENANT=acme');
        $options = Howdah::fromEnvironment()->options();

        self::assertSame(['howdah', 'acme'], [$options->audience, $options->tenant]);
    }

    public function test_everything_that_is_missing_in_the_environment_is_named_at_once(): void
    {
        $this->expectException(ConfigurationException::class);
        $this->expectExceptionMessage('HOWDAH_ADDRESS, HOWDAH_KEY_ID, HOWDAH_SECRET');
        Howdah::fromEnvironment();
    }

    public function test_a_client_without_a_credential_is_refused(): void
    {
        $this->expectException(ConfigurationException::class);
        Howdah::connect('127.0.0.1:50051');
    }
}
