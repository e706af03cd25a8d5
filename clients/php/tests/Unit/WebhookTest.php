<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Unit;

use Howdah\Client\Calls\Clock;
use Howdah\Client\Exception\ConfigurationException;
use Howdah\Client\Exception\WebhookRejected;
use Howdah\Client\Tests\Support\FakeClock;
use Howdah\Client\Webhooks\Webhook;
use PHPUnit\Framework\TestCase;

final class WebhookTest extends TestCase
{
    /** @return iterable<string, array{array<string, mixed>}> */
    public static function cases(): iterable
    {
        $vectors = json_decode((string) file_get_contents(dirname(__DIR__, 4) . '/tests/vectors/webhooks.json'), true);
        foreach ($vectors['cases'] as $case) {
            yield $case['name'] => [$case];
        }
    }

    /** @return array<string, mixed> */
    private static function good(): array
    {
        return iterator_to_array(self::cases())['one signature'][0];
    }

    private static function clockAt(int $unixTime): Clock
    {
        // Its time begins at 1,790,000,000.
        return new FakeClock((float) ($unixTime - 1_790_000_000));
    }

    private static function verify(array $case): Webhook
    {
        return Webhook::verify($case['body'], $case['headers'], $case['secrets'], clock: self::clockAt($case['now']));
    }

    /** @dataProvider cases */
    public function test_it_takes_and_refuses_what_the_vectors_say(array $case): void
    {
        if (!$case['valid']) {
            $this->expectException(WebhookRejected::class);
        }

        self::assertSame('0198f6d2-0000-7000-8000-00000000abcd', self::verify($case)->id);
    }

    public function test_a_webhook_has_all_that_was_sent(): void
    {
        $webhook = self::verify(self::good());

        self::assertSame('job.succeeded', $webhook->type);
        self::assertSame(1_790_000_000, $webhook->sentAt->getTimestamp());
        self::assertSame(['name' => 'Łucja'], $webhook->data['result']);
    }

    public function test_headers_may_come_from_the_server_variables_or_a_psr_request(): void
    {
        $good = self::good();
        $server = ['REQUEST_METHOD' => 'POST', 'argc' => 1];
        $psr = [];
        foreach ($good['headers'] as $name => $value) {
            $server['HTTP_' . strtoupper(strtr($name, '-', '_'))] = $value;
            $psr[ucwords($name, '-')] = [$value];
        }

        foreach ([$server, $psr] as $headers) {
            self::assertSame('job.succeeded', self::verify(['headers' => $headers] + $good)->type);
        }
    }

    public function test_the_tolerance_can_be_changed(): void
    {
        $good = self::good();

        $this->expectException(WebhookRejected::class);
        Webhook::verify($good['body'], $good['headers'], $good['secrets'][0], 10, self::clockAt($good['now'] + 11));
    }

    public function test_what_is_signed_and_no_message_is_refused(): void
    {
        $key = random_bytes(32);
        foreach (['', '[]', '"text"', '{"type": 1, "data": {}}', '{"type": "job.dead"}'] as $body) {
            $headers = [
                'webhook-id' => 'id-1',
                'webhook-timestamp' => '1790000000',
                'webhook-signature' => 'v1,' . base64_encode(hash_hmac('sha256', "id-1.1790000000.$body", $key, true)),
            ];
            try {
                Webhook::verify($body, $headers, 'whsec_' . base64_encode($key), clock: self::clockAt(1_790_000_000));
                self::fail("accepted: $body");
            } catch (WebhookRejected $refused) {
                self::assertStringContainsString('no message of the node', $refused->getMessage());
            }
        }
    }

    public function test_a_secret_that_is_none_is_refused_without_being_repeated(): void
    {
        foreach (['whsec_', '', 'whsec_correct-horse'] as $secret) {
            try {
                Webhook::verify('{}', [], $secret);
                self::fail('accepted');
            } catch (ConfigurationException $refused) {
                self::assertStringNotContainsString('horse', (string) $refused);
            }
        }
    }
}
