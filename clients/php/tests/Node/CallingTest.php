<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Node;

use Howdah\Client\Code;
use Howdah\Client\Exception\DeadlineExceeded;
use Howdah\Client\Exception\InvalidArgument;
use Howdah\Client\Exception\NotFound;
use Howdah\Client\Exception\PermissionDenied;
use Howdah\Client\Exception\Unauthenticated;
use Howdah\Client\Howdah;
use Howdah\Client\Signing\BearerToken;
use Howdah\Client\Signing\SigningKey;
use Howdah\Node\V1\NodeServiceClient;
use Howdah\Node\V1\PingRequest;
use Howdah\Records\V1\Customer;
use Howdah\Tenants\V1\ListTenantsRequest;
use Howdah\Tenants\V1\TenantsServiceClient;

final class CallingTest extends NodeTestCase
{
    public function test_a_signed_call_is_answered_for_its_tenant(): void
    {
        $pong = self::client()->node()->ping('Zażółć 🐘');

        self::assertSame('Zażółć 🐘', $pong->getMessage());
        self::assertSame(getenv('HOWDAH_TENANT'), $pong->getTenantId());
        self::assertSame(getenv('HOWDAH_KEY_ID'), $pong->getKeyId());
        self::assertLessThan(60, abs($pong->getServerTime()->getSeconds() - time()));
    }

    public function test_the_node_describes_itself(): void
    {
        $described = self::client()->node()->describe();

        self::assertSame('howdah', $described->getAudience());
        self::assertGreaterThan(0, count($described->getContracts()));
    }

    public function test_the_correlation_id_comes_back(): void
    {
        $call = self::client()->stub(NodeServiceClient::class)->Ping(new PingRequest());
        $call->answer();

        self::assertSame([$call->correlationId()], $call->getMetadata()['x-correlation-id']);
    }

    public function test_a_wrong_secret_is_not_accepted(): void
    {
        $client = self::client();
        $forged = $client->withOptions($client->options()->withCredentials(
            new SigningKey((string) getenv('HOWDAH_KEY_ID'), str_repeat('00', 32)),
        ));
        try {
            $forged->node()->ping();
            self::fail('accepted');
        } catch (Unauthenticated $refused) {
            self::assertSame('SIGNATURE_INVALID', $refused->reason());
            self::assertFalse($refused->isRetryable());
            self::assertNotSame('', $refused->correlationId());
        }
    }

    public function test_a_made_up_token_is_not_accepted(): void
    {
        $client = self::client();
        $this->expectException(Unauthenticated::class);
        $client->withOptions($client->options()->withCredentials(new BearerToken('made.up.token')))->node()->ping();
    }

    public function test_a_wrong_audience_is_not_accepted(): void
    {
        $client = self::client();
        $this->expectException(Unauthenticated::class);
        $client->withOptions($client->options()->withAudience('another-node'))->node()->ping();
    }

    public function test_another_tenant_is_refused(): void
    {
        try {
            self::client()->tenant('somebody-else')->node()->ping();
            self::fail('accepted');
        } catch (PermissionDenied $refused) {
            self::assertSame('TENANT_NOT_ALLOWED', $refused->reason());
        }
    }

    public function test_a_call_without_a_tenant_says_what_is_missing(): void
    {
        $client = self::client();
        try {
            $client->withOptions($client->options()->withTenant(null))->node()->ping();
            self::fail('accepted');
        } catch (InvalidArgument $refused) {
            self::assertSame('TENANT_MISSING', $refused->reason());
        }
    }

    public function test_wrong_fields_are_named(): void
    {
        try {
            self::client()->analytics()->computeKpis('yesterday', '2021-02-30', currency: 'euro');
            self::fail('accepted');
        } catch (InvalidArgument $refused) {
            self::assertSame('FIELDS_INVALID', $refused->reason());
            $fields = array_column($refused->fieldViolations(), 'field');
            sort($fields);
            self::assertSame(['currency', 'end_date', 'start_date'], $fields);
        }
    }

    public function test_what_is_not_there_is_not_found(): void
    {
        try {
            self::client()->records()->getCustomer(self::unique('nobody'));
            self::fail('found');
        } catch (NotFound $missing) {
            self::assertSame('RESOURCE_NOT_FOUND', $missing->reason());
            self::assertSame(Code::NotFound, $missing->status());
        }
    }

    public function test_a_call_that_takes_longer_than_its_deadline_ends_with_it(): void
    {
        $customers = array_map(
            static fn (int $number): Customer => (new Customer())->setExternalId("late-$number"),
            range(1, 1000),
        );

        $this->expectException(DeadlineExceeded::class);
        // Parsing and storing a thousand customers takes many times as long.
        self::client()->withTimeout(0.002)->withRetries(0)->records()->upsertCustomers($customers);
    }

    public function test_an_operator_s_method_is_refused_to_a_tenant_s_key(): void
    {
        [, $status] = self::client()->stub(TenantsServiceClient::class)->ListTenants(new ListTenantsRequest())->wait();

        self::assertSame(\Grpc\STATUS_PERMISSION_DENIED, $status->code);
    }

    public function test_a_thousand_calls_in_a_row_are_all_answered(): void
    {
        $node = self::client()->node();
        for ($i = 0; $i < 1000; $i++) {
            self::assertSame((string) $i, $node->ping((string) $i)->getMessage());
        }
    }

    public function test_the_client_can_be_made_by_hand(): void
    {
        self::client();
        $client = Howdah::connect(
            address: (string) getenv('HOWDAH_ADDRESS'),
            keyId: (string) getenv('HOWDAH_KEY_ID'),
            secret: (string) getenv('HOWDAH_SECRET'),
        )->tenant((string) getenv('HOWDAH_TENANT'));

        self::assertSame('x', $client->node()->ping('x')->getMessage());
    }

    public function test_the_example_shows_a_dashboard(): void
    {
        self::client();
        exec(escapeshellarg(PHP_BINARY) . ' ' . escapeshellarg(dirname(__DIR__, 2) . '/examples/dashboard.php') . ' 2>&1', $output, $exit);

        self::assertSame(0, $exit, implode("\n", $output));
        self::assertStringContainsString('gross revenue', implode("\n", $output));
    }

    public function test_the_doctor_finds_nothing_wrong(): void
    {
        self::client();
        exec(escapeshellarg(PHP_BINARY) . ' ' . escapeshellarg(dirname(__DIR__, 2) . '/bin/howdah-doctor') . ' 2>&1', $output, $exit);

        self::assertSame(0, $exit, implode("\n", $output));
        self::assertStringContainsString('accepted, key ' . getenv('HOWDAH_KEY_ID'), implode("\n", $output));
    }
}
