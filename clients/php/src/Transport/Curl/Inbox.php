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

    public MessageReader $reader;

    private string $headerText = '';
    private string $trailerText = '';
    private ?bool $isGrpc = null;

    public function __construct(private readonly int $maxReceiveBytes)
    {
        $this->reader = new MessageReader($maxReceiveBytes);
    }

    /** Forgets what has arrived, before the same request is sent again. */
    public function reset(): void
    {
        $this->reader = new MessageReader($this->maxReceiveBytes);
        $this->headersDone = false;
        $this->refusal = $this->isGrpc = null;
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
        if (str_ends_with($lines, "\n") && ($lines === "\r\n" || str_ends_with($this->headerText, "\r\n\r\n"))) {
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
        $this->refusal = $this->reader->push($bytes);

        return $this->refusal === null;
    }

    public function httpStatus(): int
    {
        return preg_match('#\AHTTP/[\d.]+ (\d{3})#', $this->headerText, $found) === 1 ? (int) $found[1] : 0;
    }

    public function isGrpc(): bool
    {
        return $this->httpStatus() === 200 && str_contains($this->headerText, "\ncontent-type: application/grpc");
    }

    public function encoding(): string
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
        return $this->isGrpc === true && $this->refusal === null && in_array($this->trailerText, self::OK, true);
    }

    /** The status the node sent, or null where it sent none. */
    public function sentStatus(): ?Status
    {
        // An answer without messages may carry its trailers where the headers are.
        $trailers = self::parse($this->trailerText);
        $trailers = isset($trailers['grpc-status']) ? $trailers : $this->headers();
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
        if (preg_match('#\AHTTP/[\d.]+ 1\d\d#', $this->headerText) === 1) {
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
