<?php

declare(strict_types=1);

namespace Howdah\Client\Contract;

/** What the contract says of each reason. Written by tools/contract.php; do not edit. */
final class Reasons
{
    private const RETRYABLE = [
        'INTERNAL' => false,
        'CREDENTIALS_MISSING' => false,
        'SIGNATURE_MALFORMED' => false,
        'SIGNATURE_INVALID' => false,
        'TIMESTAMP_SKEW' => true,
        'NONCE_REPLAYED' => false,
        'CREDENTIAL_EXPIRED' => false,
        'CREDENTIAL_REVOKED' => false,
        'TOKEN_INVALID' => false,
        'TOKEN_EXPIRED' => false,
        'AUTH_STORE_UNAVAILABLE' => true,
        'TENANT_MISSING' => false,
        'TENANT_INVALID' => false,
        'TENANT_NOT_ALLOWED' => false,
        'PERMISSION_MISSING' => false,
        'METADATA_INVALID' => false,
        'MESSAGE_UNREADABLE' => false,
        'FIELDS_INVALID' => false,
        'PAGE_TOKEN_INVALID' => false,
        'IDEMPOTENCY_KEY_MISSING' => false,
        'IDEMPOTENCY_KEY_REUSED' => false,
        'REQUEST_IN_PROGRESS' => true,
        'RATE_LIMITED' => true,
        'NODE_OVERLOADED' => true,
        'NODE_DRAINING' => true,
        'STORE_UNAVAILABLE' => true,
        'FILE_STORE_UNAVAILABLE' => true,
        'DEADLINE_EXCEEDED' => true,
        'TENANT_QUEUE_FULL' => true,
        'RESOURCE_NOT_FOUND' => false,
        'RESOURCE_EXISTS' => false,
        'JOB_NOT_RETRYABLE' => false,
        'JOB_BROKEN' => true,
        'JOB_TIMED_OUT' => true,
        'JOB_EXPIRED' => false,
        'WORKER_CRASHED' => true,
        'FILE_NOT_READY' => false,
        'FILE_TOO_LARGE' => false,
        'UPLOAD_OFFSET_MISMATCH' => true,
        'UPLOAD_COMPLETED' => false,
        'UPLOAD_INCOMPLETE' => false,
        'UPLOAD_CHECKSUM_MISMATCH' => false,
        'IMPORT_MAPPING_INVALID' => false,
        'IMPORT_FILE_UNREADABLE' => false,
        'METHOD_UNKNOWN' => false,
        'ANSWER_TOO_LARGE' => false,
        'CUSTOMER_HAS_INVOICES' => false,
    ];

    /** Tells whether trying again, unchanged, can help; null for a reason that is not known. */
    public static function isRetryable(string $reason): ?bool
    {
        return self::RETRYABLE[$reason] ?? null;
    }
}
