<?php

declare(strict_types=1);

namespace Howdah\Client\Transport\Curl;

use Howdah\Client\Code;
use Howdah\Client\Exception\TransportException;
use Howdah\Client\Transport\Endpoint;
use Howdah\Client\Transport\Status;

/** Says what a finished transfer means in the terms of gRPC. */
final class CurlFailure
{
    /** libcurl would send the message once more, and cannot: it is read from a callback. */
    public const SENT_BEFORE = 65;

    /** RST_STREAM codes of HTTP/2 whose meaning gRPC defines; every other one is INTERNAL. */
    private const RESETS = [
        7 => Code::Unavailable,
        8 => Code::Cancelled,
        11 => Code::ResourceExhausted,
        12 => Code::PermissionDenied,
    ];

    private const HTTP_STATUSES = [
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 => Code::Unavailable,
        502 => Code::Unavailable,
        503 => Code::Unavailable,
        504 => Code::Unavailable,
    ];

    /** What a server answers without having seen the message. */
    private const EARLY = [Code::Unimplemented, Code::ResourceExhausted, Code::Unavailable, Code::Unauthenticated, Code::PermissionDenied];

    /** Nobody refuses a message of this size for its size. */
    private const SMALL_BYTES = 64 * 1024;

    /** Errors that only somebody who changes the configuration can mend. */
    private const MISCONFIGURED = [
        CURLE_SSL_CACERT,
        CURLE_SSL_CERTPROBLEM,
        CURLE_SSL_CIPHER,
        CURLE_SSL_CACERT_BADFILE,
        CURLE_URL_MALFORMAT,
        CURLE_FAILED_INIT,
        4, // a feature that this libcurl was built without
    ];

    /**
     * How the transfer on a line ended.
     *
     * @throws TransportException where somebody has to change the configuration
     */
    public static function ofLine(Line $line, Inbox $inbox, int $error, Endpoint $endpoint): Status
    {
        $message = $error === 0 ? '' : curl_error($line->handle);
        if (in_array($error, self::MISCONFIGURED, true)) {
            throw TransportException::because("{$endpoint->address}: $message (curl error $error)");
        }
        $status = $error === 0 && !$line->isHttp2()
            ? new Status(Code::Unavailable, "{$endpoint->address} does not speak HTTP/2.")
            : self::status($inbox, $error, $message, $endpoint->address);

        return $line->probes() ? self::afterProbe($status, $line->messageBytes()) : $status;
    }

    /**
     * @param int    $error   a CURLE number, 0 where the transfer went through
     * @param string $message what curl says about it
     */
    public static function status(Inbox $inbox, int $error, string $message, string $target): Status
    {
        $sent = $inbox->sentStatus();
        if ($sent?->isOk() === true && !$inbox->isWhole()) {
            $sent = null;
        }

        // What the node said comes first: servers may reset a stream after their trailers.
        return $inbox->refusal ?? $sent ?? ($error === 0 ? self::withoutStatus($inbox, $target) : self::fromError($error, $message, $target));
    }

    /**
     * What an early answer was that nobody heard, told from the answer to the same request without its message:
     * a refusal of whatever comes is the same again; otherwise it was about the message.
     */
    public static function afterProbe(Status $heard, int $messageBytes): Status
    {
        $wantsMessage = $heard->code === Code::Unimplemented && str_contains($heard->message, 'request message');
        if (in_array($heard->code, self::EARLY, true) && !$wantsMessage) {
            return $heard;
        }

        return $messageBytes > self::SMALL_BYTES
            ? new Status(Code::ResourceExhausted, "The node ended the call before it had read the message of $messageBytes bytes; it takes none that large.")
            : new Status(Code::Unavailable, 'The node ended the call before it had read the message.');
    }

    private static function fromError(int $error, string $message, string $target): Status
    {
        $text = sprintf('%s: %s (curl error %d)', $target, $message === '' ? curl_strerror($error) : $message, $error);
        if ($error === 92) {
            $reset = preg_match('/\(err (\d+)\)/', $message, $found) === 1 ? (int) $found[1] : -1;

            return new Status(self::RESETS[$reset] ?? Code::Internal, $text);
        }
        if ($error === self::SENT_BEFORE) {
            return new Status(Code::Unavailable, "$target refused the call or ended the connection, when the message had been sent.");
        }
        if ($error === CURLE_OUT_OF_MEMORY) {
            return new Status(Code::ResourceExhausted, $text);
        }

        // Refused, unknown host, connection broken or timed out while it was being made: all may pass.
        return new Status(Code::Unavailable, $text);
    }

    private static function withoutStatus(Inbox $inbox, string $target): Status
    {
        if ($inbox->httpStatus() !== 200) {
            return new Status(
                self::HTTP_STATUSES[$inbox->httpStatus()] ?? Code::Unknown,
                "$target answered with HTTP {$inbox->httpStatus()} instead of gRPC.",
            );
        }
        if (!$inbox->isGrpc()) {
            $type = $inbox->headers()['content-type'][0] ?? 'nothing';

            return new Status(Code::Unknown, "$target answered with $type instead of gRPC.");
        }
        $where = $inbox->isMidMessage() ? ' in the middle of a message' : ' without a status';

        // What a node that was killed leaves behind: libcurl calls a connection that was closed the end of the answer.
        return new Status(Code::Unavailable, "$target ended the answer$where.");
    }
}
