<?php

declare(strict_types=1);

namespace Howdah\Client\Service;

use Howdah\Client\Client;
use Howdah\Client\Exception\HowdahException;
use Howdah\Node\V1\DescribeNodeRequest;
use Howdah\Node\V1\DescribeNodeResponse;
use Howdah\Node\V1\NodeServiceClient;
use Howdah\Node\V1\PingRequest;
use Howdah\Node\V1\PingResponse;

/** The node itself. */
final readonly class Node
{
    private NodeServiceClient $stub;

    public function __construct(Client $client)
    {
        $this->stub = $client->stub(NodeServiceClient::class, awaited: true);
    }

    /**
     * Shows whether address, signature, tenant and clock are right.
     *
     * @throws HowdahException
     */
    public function ping(string $message = ''): PingResponse
    {
        return $this->stub->Ping((new PingRequest())->setMessage($message))->answer();
    }

    /**
     * Version, services, queues and limits of the node.
     *
     * @throws HowdahException
     */
    public function describe(): DescribeNodeResponse
    {
        return $this->stub->DescribeNode(new DescribeNodeRequest())->answer();
    }
}
