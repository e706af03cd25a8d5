<?php

declare(strict_types=1);

namespace Howdah\Client\Testing;

use Google\Protobuf\Internal\Message;
use Howdah\Client\Contract\Methods;

/** The messages of a method. The contract names them after it. */
final readonly class MethodTypes
{
    /**
     * @param class-string<Message> $request
     * @param class-string<Message> $response
     */
    private function __construct(public string $path, public string $request, public string $response)
    {
    }

    /** @param string $method its name, such as `ComputeKpis`, or its whole path */
    public static function of(string $method): self
    {
        $path = Methods::path($method) ?? throw new \LogicException("The contract has no method \"$method\".");
        preg_match('#\A/howdah\.(\w+)\.(v\d+)\.\w+/(\w+)\z#', $path, $found);
        $class = sprintf('Howdah\\%s\\%s\\%s', ucfirst($found[1]), ucfirst($found[2]), $found[3]);

        return new self($path, $class . 'Request', $class . 'Response');
    }
}
