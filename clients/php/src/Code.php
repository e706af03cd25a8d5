<?php

declare(strict_types=1);

namespace Howdah\Client;

/** The status codes of gRPC. */
enum Code: int
{
    case Ok = 0;
    case Cancelled = 1;
    case Unknown = 2;
    case InvalidArgument = 3;
    case DeadlineExceeded = 4;
    case NotFound = 5;
    case AlreadyExists = 6;
    case PermissionDenied = 7;
    case ResourceExhausted = 8;
    case FailedPrecondition = 9;
    case Aborted = 10;
    case OutOfRange = 11;
    case Unimplemented = 12;
    case Internal = 13;
    case Unavailable = 14;
    case DataLoss = 15;
    case Unauthenticated = 16;

    /** A number that gRPC does not define counts as UNKNOWN. */
    public static function of(int $number): self
    {
        return self::tryFrom($number) ?? self::Unknown;
    }

    /** Finds a code by its canonical name, such as `NOT_FOUND`. */
    public static function named(string $name): self
    {
        foreach (self::cases() as $code) {
            if ($code->canonicalName() === $name) {
                return $code;
            }
        }

        return self::Unknown;
    }

    /** `INVALID_ARGUMENT` and so on, as the node writes it. */
    public function canonicalName(): string
    {
        return strtoupper((string) preg_replace('/(?<!^)[A-Z]/', '_$0', $this->name));
    }
}
