<?php

declare(strict_types=1);

namespace Howdah\Client\Transport\Curl;

use Howdah\Client\Code;
use Howdah\Client\Transport\MessageReader;
use Howdah\Client\Transport\Metadata;
use Howdah\Client\Transport\Status;

/**
 * Collects what arrives for one exchange: headers, messages, trailers, and how it ended. Lines are kept as they
 * came and are read when somebody asks, which for most calls nobody does.
 */
final class Inbox
{
    private const OK = ["grpc-status: 0\r\n", "grpc-status: 0\r\n\r\n", "grpc-status: 0\r\ngrpc-message: \r\n", "grpc-status: 0\r\ngrpc-message: \r\n\r\n"];

    public bool $headersDone = false;
    public ?Status $status = null;

    /** Set when the client itself gives up on the answer. */
    public ?Status $refusal = null;

    /** The first message where it arrived whole and uncompressed, which most answers are. Null once it is taken. */
    private ?string $whole = null;

    /** Cuts every other body. */
    private ?MessageReader $reader = null;
    private bool $isBegun = false;

    private string $headerText = '';
    private string $trailerText = '';
    private ?bool $isGrpc = null;

    public function __construct(private readonly int $maxReceiveBytes)
    {
    }

    /** Forgets what has arrived, before the same request is sent again. */
    public function reset(): void
    {
        $this->headersDone = $this->isBegun = false;
        $this->refusal = $this->isGrpc = $this->whole = $this->reader = null;
        $this->headerText = $this->trailerText = '';
    }

    /** Takes header lines; libcurl may hand over several at once. */
    public function takeHeaders(string $lines): void
    {
        if ($this->headersDone) {
            if (!str_starts_with($lines, 'HTTP/')) {
                $this->trailerText .= $lines;

                return;
            }
            $this->reset();
        }
        $this->headerText .= $lines;
        if ($lines === "\r\n" || str_ends_with($this->headerText, "\r\n\r\n")) {
            $this->endHeaders();
        }
    }

    /** Takes a piece of the body; false stops the transfer. */
    public function takeBody(string $bytes): bool
    {
        $this->headersDone = true;
        if (!($this->isGrpc ??= $this->isGrpc())) {
            return true;
        }
        if (!$this->isBegun) {
            $this->isBegun = true;
            $size = strlen($bytes) - MessageReader::PREFIX;
            if ($size >= 0 && $size <= $this->maxReceiveBytes && str_starts_with($bytes, pack('CN', 0, $size))) {
                $this->whole = substr($bytes, MessageReader::PREFIX);

                return true;
            }
        }
        $this->reader ??= new MessageReader($this->maxReceiveBytes);
        $this->refusal = $this->reader->push($bytes);

        return $this->refusal === null;
    }

    /** Whether no message waits to be taken. */
    public function isEmpty(): bool
    {
        return $this->whole === null && ($this->reader === null || $this->reader->isEmpty());
    }

    /** Tells that a message has begun and has not arrived whole. */
    public function isMidMessage(): bool
    {
        return $this->reader?->isMidMessage() === true;
    }

    /** The next message, decompressed; a status where it cannot be read. Only when it is not empty. */
    public function take(): string|Status
    {
        if ($this->whole !== null) {
            $message = $this->whole;
            $this->whole = null;

            return $message;
        }

        return $this->reader->take($this->reader->isCompressed() ? $this->encoding() : 'identity');
    }

    /** Throws away the messages that wait. */
    public function discard(): void
    {
        while (!$this->isEmpty()) {
            $this->take();
        }
    }

    public function httpStatus(): int
    {
        // Behind "HTTP/2 " or "HTTP/1.1 ". By hand: every call comes by here.
        return (int) substr($this->headerText, (int) strpos($this->headerText, ' '), 4);
    }

    public function isGrpc(): bool
    {
        return $this->httpStatus() === 200 && str_contains($this->headerText, "\ncontent-type: application/grpc");
    }

    private function encoding(): string
    {
        return $this->headers()['grpc-encoding'][0] ?? 'identity';
    }

    /** @return array<string, list<string>> */
    public function headers(): array
    {
        return self::parse($this->headerText);
    }

    /**
     * Tells that the node answered, and closed the stream, before it had the whole request. Where both arrive
     * together, libcurl 7.88 forgets the answer and stumbles over the closed stream when it goes on sending.
     * The node cannot have handled half a request.
     */
    public function isUnheard(int $error, string $message): bool
    {
        // A stream that was reset with an error is another matter; libcurl says then that it "was not closed cleanly".
        return $error === 92 && $this->headerText === '' && !str_contains($message, 'cleanly');
    }

    /** Tells that the node said OK, and nothing else. */
    public function saidOk(): bool
    {
        return $this->isGrpc === true && $this->refusal === null && in_array($this->trailerText, self::OK, true) && !$this->isMidMessage();
    }

    /** Whether what has arrived may be a whole answer: it is gRPC, and breaks off nowhere. */
    public function isWhole(): bool
    {
        return $this->isGrpc() && !$this->isMidMessage();
    }

    /** The status the node sent, or null where it sent none. */
    public function sentStatus(): ?Status
    {
        // Only an answer without messages may carry its trailers where the headers are.
        $trailers = self::parse($this->trailerText);
        if ($this->isGrpc === null && !isset($trailers['grpc-status'])) {
            $trailers = $this->headers();
        }
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

    private function endHeaders(): void
    {
        // What comes before the final answer is not part of it.
        $status = $this->httpStatus();
        if ($status >= 100 && $status < 200) {
            $this->headerText = '';
        } else {
            $this->headersDone = true;
        }
    }

    /** @return array<string, list<string>> */
    private static function parse(string $text): array
    {
        $found = [];
        foreach (explode("\n", $text) as $line) {
            $colon = strpos($line, ':');
            if ($colon > 0 && !str_starts_with($line, 'HTTP/')) {
                $name = strtolower(substr($line, 0, $colon));
                foreach (Metadata::decode($name, trim(substr($line, $colon + 1), " \r")) as $value) {
                    $found[$name][] = $value;
                }
            }
        }

        return $found;
    }
}
