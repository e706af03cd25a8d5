<?php

declare(strict_types=1);

namespace Howdah\Client\Transport;

use Howdah\Client\Code;

/** Cuts a gRPC body into messages: a flag, four bytes of length, and that many bytes. */
final class MessageReader
{
    /** Bytes before each message. */
    public const PREFIX = 5;

    private string $buffer = '';
    private int $waitFor = self::PREFIX;
    private bool $compressed = false;
    private bool $inMessage = false;

    /** @var array<int, array{bool, string}> */
    private array $messages = [];

    public function __construct(private readonly int $maxBytes)
    {
    }

    /** Takes what has arrived. Returns what is wrong with it, or null. */
    public function push(string $bytes): ?Status
    {
        // `.=` on the one reference grows in place; joining to a new string copies everything each time.
        $this->buffer .= $bytes;
        if (strlen($this->buffer) < $this->waitFor) {
            return null;
        }
        $offset = 0;
        $length = strlen($this->buffer);
        while ($length - $offset >= $this->waitFor) {
            $size = $this->waitFor;
            if ($this->inMessage) {
                $this->messages[] = [$this->compressed, substr($this->buffer, $offset, $size)];
                $this->waitFor = self::PREFIX;
                $this->inMessage = false;
            } else {
                $wrong = $this->readPrefix($offset);
                if ($wrong !== null) {
                    return $wrong;
                }
            }
            $offset += $size;
        }
        $this->buffer = $offset === $length ? '' : substr($this->buffer, $offset);

        return null;
    }

    public function isEmpty(): bool
    {
        return $this->messages === [];
    }

    /** Tells whether the next message is compressed. Only when it is not empty. */
    public function isCompressed(): bool
    {
        return $this->messages[array_key_first($this->messages)][0];
    }

    /** Tells that a message has begun and has not arrived whole. */
    public function isMidMessage(): bool
    {
        return $this->inMessage || $this->buffer !== '';
    }

    /** The next message, decompressed; a status where it cannot be read. Only when it is not empty. */
    public function take(string $encoding): string|Status
    {
        // The oldest, without moving the others up: a slow reader may have thousands before it.
        $oldest = array_key_first($this->messages);
        [$compressed, $bytes] = $this->messages[$oldest];
        unset($this->messages[$oldest]);
        if (!$compressed) {
            return $bytes;
        }
        if ($encoding !== 'gzip') {
            return new Status(Code::Internal, "The answer is compressed with \"$encoding\", which was not offered.");
        }
        $plain = @gzdecode($bytes, $this->maxBytes + 1);
        if ($plain === false) {
            return new Status(Code::Internal, "A compressed message is damaged, or larger than maxReceiveBytes ({$this->maxBytes}).");
        }

        return strlen($plain) > $this->maxBytes ? $this->tooLarge(strlen($plain)) : $plain;
    }

    private function readPrefix(int $offset): ?Status
    {
        $flag = ord($this->buffer[$offset]);
        $size = unpack('N', $this->buffer, $offset + 1)[1];
        if ($flag > 1) {
            return new Status(Code::Internal, "A message begins with the flag $flag, which gRPC does not have.");
        }
        if ($size > $this->maxBytes) {
            return $this->tooLarge($size);
        }
        $this->compressed = $flag === 1;
        $this->inMessage = true;
        $this->waitFor = $size;

        return null;
    }

    private function tooLarge(int $size): Status
    {
        return new Status(
            Code::ResourceExhausted,
            "The answer has a message of $size bytes; maxReceiveBytes allows {$this->maxBytes}.",
        );
    }
}
