<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Node;

use Howdah\Client\Exception\AlreadyExists;
use Howdah\Client\Exception\FailedPrecondition;
use Howdah\Client\Exception\InvalidArgument;
use Howdah\Client\Exception\NotFound;
use Howdah\Client\Service\Webhooks;

final class WebhooksTest extends NodeTestCase
{
    /** @var list<string> */
    private array $made = [];

    protected function tearDown(): void
    {
        foreach ($this->made as $id) {
            try {
                self::client()->webhooks()->delete($id);
            } catch (NotFound) {
                // The test has deleted it.
            }
        }
    }

    /** @return array{Webhooks, string, string} the facade, and id and secret of a new endpoint */
    private function endpoint(): array
    {
        $webhooks = self::client()->webhooks();
        $made = $webhooks->create(self::url(), ['job.failed'], ['records.import'], 'by phpunit');
        $this->made[] = $made->getEndpoint()->getEndpointId();

        return [$webhooks, $made->getEndpoint()->getEndpointId(), $made->getSecret()];
    }

    /** Nobody has this name, so nothing is ever delivered. */
    private static function url(): string
    {
        return 'https://receiver.invalid/' . self::unique('php');
    }

    public function test_an_endpoint_is_created_read_changed_and_deleted(): void
    {
        [$webhooks, $id, $secret] = $this->endpoint();
        self::assertStringStartsWith('whsec_', $secret);

        $changed = $webhooks->update($id, eventTypes: [], enabled: false);
        self::assertFalse($changed->getEnabled());
        self::assertSame('by phpunit', $changed->getDescription());
        self::assertCount(0, $changed->getFilter()->getEventTypes());
        self::assertCount(0, $changed->getFilter()->getJobKinds());
        self::assertSame('Disabled by its owner.', $webhooks->get($id)->getDisabledReason());
        $ids = array_map(static fn ($endpoint): string => $endpoint->getEndpointId(), iterator_to_array($webhooks->all(), false));
        self::assertContains($id, $ids);

        $webhooks->delete($id);
        $this->expectException(NotFound::class);
        $webhooks->get($id);
    }

    public function test_a_secret_is_rotated(): void
    {
        [$webhooks, $id, $secret] = $this->endpoint();
        $rotated = $webhooks->rotateSecret($id, overlapSeconds: 60);

        self::assertNotSame($secret, $rotated->getSecret());
        self::assertNotNull($rotated->getEndpoint()->getOldSecretExpireTime());
    }

    public function test_a_test_is_sent_listed_and_sent_again(): void
    {
        [$webhooks, $id] = $this->endpoint();
        $start = new \DateTimeImmutable('-1 minute');
        $test = $webhooks->test($id);
        $again = $webhooks->redeliver($test->getMessageId());

        self::assertSame([$test->getMessageId()], array_map(static fn ($delivery): string => $delivery->getMessageId(), $again));
        self::assertCount(2, iterator_to_array($webhooks->deliveries($id, $test->getMessageId()), false));
        // Tests are not sent again by time.
        $dry = $webhooks->redeliverRange($start, endpointId: $id, onlyFailed: true, maxDeliveries: 10, dryRun: true);
        self::assertCount(0, $dry->getRedeliveries());
        self::assertFalse($dry->getMore());

        $webhooks->update($id, enabled: false);
        $this->expectException(FailedPrecondition::class);
        $webhooks->test($id);
    }

    public function test_a_url_that_the_node_does_not_send_to_is_refused(): void
    {
        $this->expectException(InvalidArgument::class);
        $this->expectExceptionMessage('must begin with https://');
        self::client()->webhooks()->create('http://receiver.invalid/');
    }

    public function test_a_url_is_taken_once(): void
    {
        [$webhooks, $id] = $this->endpoint();

        $this->expectException(AlreadyExists::class);
        $webhooks->create($webhooks->get($id)->getUrl());
    }
}
