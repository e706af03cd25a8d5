<?php

declare(strict_types=1);

namespace Howdah\Client\Transport\Curl;

use Howdah\Client\Code;
use Howdah\Client\Transport\Endpoint;
use Howdah\Client\Transport\Limits;
use Howdah\Client\Transport\Request;
use Howdah\Client\Transport\Status;

/** Carries calls that are waited for at once: one curl_exec costs less than turns of a multi handle. */
final class DirectLine
{
    /** Null while it is in use: a signal handler may call as well, and gets a line of its own. */
    private ?Line $line = null;

    /** Whether a connection stands on the line. Only looked at where libcurl needs the help. */
    private bool $open = false;
    private int $pid = 0;

    public function __construct(
        private readonly Endpoint $endpoint,
        private readonly Limits $limits,
        private readonly string $userAgent,
        private readonly bool $needsHelp,
    ) {
    }

    /**
     * Sends a request and waits for its whole answer. The status is in the inbox afterwards.
     *
     * @param float|null $deadline in seconds of the monotonic clock
     */
    public function carry(Request $request, Inbox $inbox, ?float $deadline): void
    {
        $line = $this->take();
        $line->load($request, $inbox, $this->httpVersion(), $this->needsHelp && !$this->open);
        $this->open = false;
        do {
            $left = $deadline === null ? 0 : max(1, (int) ceil(($deadline - hrtime(true) / 1e9) * 1000));
            $line->limitTime($left);
            curl_exec($line->handle);
            $error = curl_errno($line->handle);
            if ($error === 0 && $inbox->saidOk() && !$line->probes()) {
                $inbox->status = Status::ok();
                $this->giveBack($line);

                return;
            }
        } while ($this->isSentAgain($line, $inbox, $error));
        $this->fail($line, $inbox, $error, $deadline);
    }

    public function close(): void
    {
        $this->line?->close();
        $this->line = null;
        $this->open = false;
    }

    private function take(): Line
    {
        $pid = getmypid();
        if ($this->line !== null && $pid !== $this->pid) {
            // After a fork the connection is the parent's: neither used nor shut down here.
            static $inherited = [];
            $inherited[] = $this->line;
            $this->line = null;
            $this->open = false;
        }
        $this->pid = $pid;
        $line = $this->line ?? new Line($this->endpoint, $this->limits, $this->userAgent);
        $this->line = null;

        return $line;
    }

    private function giveBack(Line $line): void
    {
        $line->unload();
        $this->line = $line;
        $this->open = true;
    }

    private function httpVersion(): int
    {
        if ($this->endpoint->tls !== null) {
            return CURL_HTTP_VERSION_2TLS;
        }

        return $this->needsHelp && $this->open ? CURL_HTTP_VERSION_2_0 : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
    }

    private function isSentAgain(Line $line, Inbox $inbox, int $error): bool
    {
        if ($line->fellBack($error) && $line->reload()) {
            return true;
        }

        return $inbox->isUnheard($error, curl_error($line->handle))
            && $line->probe($this->needsHelp ? CURL_HTTP_VERSION_2_0 : $this->httpVersion());
    }

    private function fail(Line $line, Inbox $inbox, int $error, ?float $deadline): void
    {
        // libcurl counts in milliseconds, from a beginning of its own.
        $late = $error === CURLE_OPERATION_TIMEDOUT && $deadline !== null && hrtime(true) / 1e9 >= $deadline - 0.005;
        try {
            $inbox->status = $late
                ? $inbox->sentStatus() ?? new Status(Code::DeadlineExceeded, 'The deadline passed before the answer was there.')
                : CurlFailure::ofLine($line, $inbox, $error, $this->endpoint);
        } finally {
            if ($error === 0 && $line->isHttp2()) {
                $this->giveBack($line);
            } else {
                $line->close();
            }
        }
    }
}
