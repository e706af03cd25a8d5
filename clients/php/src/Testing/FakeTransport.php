<?php

declare(strict_types=1);

namespace Howdah\Client\Testing;

use Howdah\Client\Calls\Ended;
use Howdah\Client\Transport\Exchange;
use Howdah\Client\Transport\Request;
use Howdah\Client\Transport\Status;
use Howdah\Client\Transport\Transport;

/** Answers with what was laid out for a method, in order; the last answer stays. */
final class FakeTransport implements Transport
{
    /** @var list<RecordedCall> */
    public array $calls = [];

    /** @var array<string, list<array{list<string>, Status}>> */
    private array $answers = [];

    /** @param list<string> $messages serialised */
    public function lay(string $path, array $messages, Status $status): void
    {
        $this->answers[$path][] = [$messages, $status];
    }

    public function start(Request $request): Exchange
    {
        $class = MethodTypes::of($request->path)->request;
        $message = new $class();
        $message->mergeFromString($request->message);
        $this->calls[] = new RecordedCall($request->path, $message, $request->metadata['x-tenant-id'][0] ?? '', $request->metadata);
        if (!isset($this->answers[$request->path])) {
            throw new \LogicException("The fake node has no answer for {$request->path}: lay one out with answer(), stream() or fail().");
        }
        [$messages, $status] = count($this->answers[$request->path]) > 1
            ? array_shift($this->answers[$request->path])
            : $this->answers[$request->path][0];

        return new Ended($status, $messages);
    }

    public function target(): string
    {
        return 'fake';
    }

    public function close(): void
    {
    }
}
