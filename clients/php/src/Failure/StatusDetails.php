<?php

declare(strict_types=1);

namespace Howdah\Client\Failure;

/** The details of a `google.rpc.Status`, as far as this client uses them. */
final readonly class StatusDetails
{
    /**
     * @param array<string, string> $metadata
     * @param list<FieldViolation>  $fields
     */
    public function __construct(
        public string $message = '',
        public string $reason = '',
        public string $domain = '',
        public array $metadata = [],
        public array $fields = [],
        public ?int $retryAfterMs = null,
        public string $correlationId = '',
    ) {
    }

    /** Reads `grpc-status-details-bin`. Bytes that are no Status give no details: the status itself still counts. */
    public static function decode(string $bytes): self
    {
        try {
            $found = ['message' => WireReader::string($bytes, 2)];
            foreach (WireReader::strings($bytes, 3) as $any) {
                $type = substr((string) strrchr(WireReader::string($any, 1), '/'), 1);
                $found += self::detail($type, WireReader::string($any, 2));
            }

            return new self(...$found);
        } catch (\UnexpectedValueException) {
            return new self();
        }
    }

    /** @return array<string, mixed> */
    private static function detail(string $type, string $bytes): array
    {
        return match ($type) {
            'google.rpc.ErrorInfo' => [
                'reason' => WireReader::string($bytes, 1),
                'domain' => WireReader::string($bytes, 2),
                'metadata' => WireReader::stringMap($bytes, 3),
            ],
            'google.rpc.BadRequest' => ['fields' => array_map(
                static fn (string $violation) => new FieldViolation(
                    WireReader::string($violation, 1),
                    WireReader::string($violation, 2),
                ),
                WireReader::strings($bytes, 1),
            )],
            'google.rpc.RetryInfo' => ['retryAfterMs' => self::milliseconds(WireReader::string($bytes, 1))],
            'google.rpc.RequestInfo' => ['correlationId' => WireReader::string($bytes, 1)],
            default => [],
        };
    }

    /** A google.protobuf.Duration, rounded up: trying a little late is harmless, too early is not. */
    private static function milliseconds(string $duration): int
    {
        return max(0, WireReader::integer($duration, 1) * 1000 + (int) ceil(WireReader::integer($duration, 2) / 1e6));
    }
}
