<?php

declare(strict_types=1);

namespace Howdah\Client\Transport\Curl;

use Howdah\Client\Code;
use Howdah\Client\Transport\MessageReader;
use Howdah\Client\Transport\Metadata;
use Howdah\Client\Transport\Status;

/** Collects what arrives for one exchange: headers, messages, trailers, and how it ended. */
final class Inbox
{
    public int $httpStatus = 0;
    public bool $headersDone = false;
    public ?Status $status = null;

    /** Set when the client itself gives up on the answer. */
    public ?Status $refusal = null;

    /** @var array<string, list<string>> */
    public array $headers = [];

    /** @var array<string, list<string>> */
    public array $trailers = [];

    public MessageReader $reader;

    public function __construct(private readonly int $maxReceiveBytes)
    {
        $this->reset();
    }

    /** Forgets what has arrived, before the same request is sent again. */
    public function reset(): void
    {
        $this->reader = new MessageReader($this->maxReceiveBytes);
        $this->httpStatus = 0;
        $this->headersDone = false;
        $this->refusal = null;
        $this->headers = $this->trailers = [];
    }

    /** Takes header lines; libcurl may hand over several at once. */
    public function takeHeaders(string $lines): void
    {
        foreach (explode("\n", str_ends_with($lines, "\n") ? substr($lines, 0, -1) : $lines) as $line) {
            $line = rtrim($line, "\r");
            if ($line !== '') {
                $this->takeLine($line);
            } elseif ($this->httpStatus >= 200) {
                $this->headersDone = true;
            }
        }
    }

    /** Takes a piece of the body; false stops the transfer. */
    public function takeBody(string $bytes): bool
    {
        $this->headersDone = true;
        if (!$this->isGrpc()) {
            return true;
        }
        $this->refusal = $this->reader->push($bytes);

        return $this->refusal === null;
    }

    public function isGrpc(): bool
    {
        return $this->httpStatus === 200 && str_starts_with($this->headers['content-type'][0] ?? '', 'application/grpc');
    }

    public function encoding(): string
    {
        return $this->headers['grpc-encoding'][0] ?? 'identity';
    }

    /**
     * Tells that the node answered, and closed the stream, before it had the whole request. Where both arrive
     * together, libcurl 7.88 forgets the answer and stumbles over the closed stream when it goes on sending.
     * The node cannot have handled half a request.
     */
    public function isUnheard(int $error, string $message): bool
    {
        // A stream that was reset with an error is another matter; libcurl says then that it "was not closed cleanly".
        return $error === 92 && $this->httpStatus === 0 && !str_contains($message, 'cleanly');
    }

    /** The status the node sent, or null where it sent none. */
    public function sentStatus(): ?Status
    {
        // An answer without messages may carry its trailers where the headers are.
        $trailers = isset($this->trailers['grpc-status']) ? $this->trailers : $this->headers;
        $code = $trailers['grpc-status'][0] ?? null;
        if ($code === null) {
            return null;
        }

        return new Status(
            ctype_digit($code) ? Code::of((int) $code) : Code::Unknown,
            rawurldecode($trailers['grpc-message'][0] ?? ''),
            array_diff_key($trailers, ['grpc-status' => 1, 'grpc-message' => 1]),
        );
    }

    private function takeLine(string $line): void
    {
        if (preg_match('#\AHTTP/[\d.]+ (\d{3})#', $line, $found) === 1) {
            $this->httpStatus = (int) $found[1];
            $this->headers = $this->trailers = [];
            $this->headersDone = false;

            return;
        }
        $colon = strpos($line, ':', 1);
        if ($colon === false) {
            return;
        }
        $name = strtolower(substr($line, 0, $colon));
        $values = Metadata::decode($name, ltrim(substr($line, $colon + 1), ' '));
        if ($this->headersDone) {
            $this->trailers[$name] = [...($this->trailers[$name] ?? []), ...$values];
        } else {
            $this->headers[$name] = [...($this->headers[$name] ?? []), ...$values];
        }
    }
}
