<?php

declare(strict_types=1);

namespace Howdah\Client\Service;

use Google\Protobuf\Duration;
use Google\Protobuf\Timestamp;
use Howdah\Client\Client;
use Howdah\Webhooks\V1\CreateEndpointRequest;
use Howdah\Webhooks\V1\CreateEndpointResponse;
use Howdah\Webhooks\V1\DeleteEndpointRequest;
use Howdah\Webhooks\V1\Delivery;
use Howdah\Webhooks\V1\DeliveryState;
use Howdah\Webhooks\V1\Endpoint;
use Howdah\Webhooks\V1\EventFilter;
use Howdah\Webhooks\V1\GetEndpointRequest;
use Howdah\Webhooks\V1\ListDeliveriesRequest;
use Howdah\Webhooks\V1\ListDeliveriesResponse;
use Howdah\Webhooks\V1\ListEndpointsRequest;
use Howdah\Webhooks\V1\ListEndpointsResponse;
use Howdah\Webhooks\V1\RedeliverMessageRequest;
use Howdah\Webhooks\V1\RedeliverRangeRequest;
use Howdah\Webhooks\V1\RedeliverRangeResponse;
use Howdah\Webhooks\V1\RotateSecretRequest;
use Howdah\Webhooks\V1\RotateSecretResponse;
use Howdah\Webhooks\V1\SendTestEventRequest;
use Howdah\Webhooks\V1\UpdateEndpointRequest;
use Howdah\Webhooks\V1\WebhooksServiceClient;

/**
 * Where the tenant is told how its jobs end; `Webhooks\Webhook` verifies what arrives there. Every method throws a
 * HowdahException where it fails.
 */
final readonly class Webhooks
{
    private WebhooksServiceClient $stub;

    public function __construct(Client $client)
    {
        $this->stub = $client->stub(WebhooksServiceClient::class, awaited: true);
    }

    /**
     * Creates an endpoint. The answer has its secret, which is not shown again.
     *
     * @param list<string> $eventTypes such as `job.failed`; empty for all
     * @param list<string> $jobKinds   such as `records.import`; empty for all
     */
    public function create(string $url, array $eventTypes = [], array $jobKinds = [], string $description = ''): CreateEndpointResponse
    {
        return $this->stub->CreateEndpoint((new CreateEndpointRequest())
            ->setUrl($url)->setDescription($description)->setFilter(self::filter($eventTypes, $jobKinds)))->answer();
    }

    public function get(string $endpointId): Endpoint
    {
        return $this->stub->GetEndpoint((new GetEndpointRequest())->setEndpointId($endpointId))->answer()->getEndpoint();
    }

    /**
     * All endpoints, the oldest first, fetched page by page as they are read.
     *
     * @return \Generator<int, Endpoint>
     */
    public function all(): \Generator
    {
        return Pages::of(
            fn (string $token): ListEndpointsResponse => $this->stub->ListEndpoints(
                (new ListEndpointsRequest())->setPageToken($token)
            )->answer(),
            static fn (ListEndpointsResponse $page): iterable => $page->getEndpoints(),
        );
    }

    /**
     * Changes what is not null. The two lists make up one filter: who gives one of them replaces both.
     *
     * @param list<string>|null $eventTypes
     * @param list<string>|null $jobKinds
     */
    public function update(
        string $endpointId,
        ?string $url = null,
        ?array $eventTypes = null,
        ?array $jobKinds = null,
        ?string $description = null,
        ?bool $enabled = null,
        string $idempotencyKey = '',
    ): Endpoint {
        $request = (new UpdateEndpointRequest())->setEndpointId($endpointId)->setIdempotencyKey($idempotencyKey);
        $url === null || $request->setUrl($url);
        $description === null || $request->setDescription($description);
        $enabled === null || $request->setEnabled($enabled);
        if ($eventTypes !== null || $jobKinds !== null) {
            $request->setFilter(self::filter($eventTypes ?? [], $jobKinds ?? []));
        }

        return $this->stub->UpdateEndpoint($request)->answer()->getEndpoint();
    }

    public function delete(string $endpointId, string $idempotencyKey = ''): void
    {
        $this->stub->DeleteEndpoint((new DeleteEndpointRequest())
            ->setEndpointId($endpointId)->setIdempotencyKey($idempotencyKey))->answer();
    }

    /** Makes a new secret. Messages carry signatures of both until the old one ends, in 24 hours where null. */
    public function rotateSecret(string $endpointId, ?int $overlapSeconds = null): RotateSecretResponse
    {
        $request = (new RotateSecretRequest())->setEndpointId($endpointId);
        $overlapSeconds === null || $request->setOverlap((new Duration())->setSeconds($overlapSeconds));

        return $this->stub->RotateSecret($request)->answer();
    }

    /** Sends a message of the type `webhook.test`; the delivery is under way. */
    public function test(string $endpointId, string $idempotencyKey = ''): Delivery
    {
        return $this->stub->SendTestEvent((new SendTestEventRequest())
            ->setEndpointId($endpointId)->setIdempotencyKey($idempotencyKey))->answer()->getDelivery();
    }

    /**
     * Deliveries with every try, the newest first, fetched page by page as they are read.
     *
     * @param int $state a constant of DeliveryState; unspecified for all
     *
     * @return \Generator<int, Delivery>
     */
    public function deliveries(
        string $endpointId = '',
        string $messageId = '',
        int $state = DeliveryState::DELIVERY_STATE_UNSPECIFIED,
    ): \Generator {
        return Pages::of(
            fn (string $token): ListDeliveriesResponse => $this->stub->ListDeliveries((new ListDeliveriesRequest())
                ->setEndpointId($endpointId)->setMessageId($messageId)->setState($state)->setPageToken($token))->answer(),
            static fn (ListDeliveriesResponse $page): iterable => $page->getDeliveries(),
        );
    }

    /**
     * Delivers a message again, under its own id.
     *
     * @param string $endpointId which need not have had it before; empty for all that it went to
     *
     * @return list<Delivery>
     */
    public function redeliver(string $messageId, string $endpointId = '', string $idempotencyKey = ''): array
    {
        return iterator_to_array($this->stub->RedeliverMessage((new RedeliverMessageRequest())
            ->setMessageId($messageId)->setEndpointId($endpointId)->setIdempotencyKey($idempotencyKey))->answer()->getDeliveries());
    }

    /**
     * Delivers the messages of a time again, the oldest first; what is still under way is left alone.
     *
     * @param \DateTimeInterface|null $end           before which they were made; now where null
     * @param int                     $maxDeliveries 1,000 where 0, which is the most
     */
    public function redeliverRange(
        \DateTimeInterface $start,
        ?\DateTimeInterface $end = null,
        string $endpointId = '',
        bool $onlyFailed = false,
        int $maxDeliveries = 0,
        bool $dryRun = false,
        string $idempotencyKey = '',
    ): RedeliverRangeResponse {
        $request = (new RedeliverRangeRequest())
            ->setStartTime(self::moment($start))
            ->setEndpointId($endpointId)
            ->setOnlyFailed($onlyFailed)
            ->setMaxDeliveries($maxDeliveries)
            ->setDryRun($dryRun)
            ->setIdempotencyKey($idempotencyKey);
        $end === null || $request->setEndTime(self::moment($end));

        return $this->stub->RedeliverRange($request)->answer();
    }

    private static function moment(\DateTimeInterface $time): Timestamp
    {
        return (new Timestamp())->setSeconds($time->getTimestamp())->setNanos((int) $time->format('u') * 1000);
    }

    /**
     * @param list<string> $eventTypes
     * @param list<string> $jobKinds
     */
    private static function filter(array $eventTypes, array $jobKinds): EventFilter
    {
        return (new EventFilter())->setEventTypes($eventTypes)->setJobKinds($jobKinds);
    }
}
