<?php

declare(strict_types=1);

namespace Howdah\Client\Transport\Curl;

use Howdah\Client\Code;
use Howdah\Client\Transport\Endpoint;
use Howdah\Client\Transport\Limits;
use Howdah\Client\Transport\Request;
use Howdah\Client\Transport\Status;

/**
 * Connections of libcurl that move on together. Each carries one exchange at a time and then the next one:
 * when several share a connection, libcurl 7.88 loses the trailers of one in ten of them, or more.
 */
final class Connections
{
    private ?\CurlMultiHandle $multi = null;
    private int $pid = 0;

    /** How many connections stand open and unused. Only looked at where libcurl needs the help. */
    private int $open = 0;

    /** @var array<int, Line> lines in use, by the id of their handle */
    private array $lines = [];

    /** @var list<Line> */
    private array $idle = [];

    public function __construct(
        private readonly Endpoint $endpoint,
        private readonly Limits $limits,
        private readonly string $userAgent,
        private readonly CurlVersion $version,
    ) {
    }

    /** Puts a request on its way. */
    public function start(Request $request, Inbox $inbox): Line
    {
        $multi = $this->multi();
        $line = array_pop($this->idle) ?? new Line($this->endpoint, $this->limits, $this->userAgent);
        $line->load($request, $inbox, $this->httpVersion(), $this->needsHelp() && $this->open === 0);
        $this->open = max(0, $this->open - 1);
        $this->lines[spl_object_id($line->handle)] = $line;
        curl_multi_add_handle($multi, $line->handle);
        curl_multi_exec($multi, $running);

        return $line;
    }

    public function areIdle(): bool
    {
        return $this->lines === [];
    }

    /** Moves every exchange on and waits, at most until the deadline, for something to arrive. */
    public function drive(Inbox $for, ?float $deadline): void
    {
        $multi = $this->multi();
        curl_multi_exec($multi, $running);
        $this->collect($multi);
        if ($for->status !== null || !$for->isEmpty()) {
            return;
        }
        $wait = $deadline === null ? 1.0 : min(1.0, $deadline - hrtime(true) / 1e9);
        if ($wait > 0) {
            // Whatever it returns, the next round asks curl again: a sleep here would cost every call.
            curl_multi_select($multi, $wait);
        }
    }

    /**
     * Takes a line back.
     *
     * @param bool $hangUp its exchange is still going on, and the node should know that nobody listens
     */
    public function release(Line $line, bool $hangUp = false): void
    {
        $id = spl_object_id($line->handle);
        if (!isset($this->lines[$id]) || $this->multi === null) {
            return;
        }
        unset($this->lines[$id]);
        if ($hangUp) {
            // libcurl would keep the RST_STREAM until it next writes on this connection, which may be never.
            curl_setopt($line->handle, CURLOPT_FORBID_REUSE, true);
        } elseif ($line->isHttp2()) {
            $this->open++;
        }
        curl_multi_remove_handle($this->multi, $line->handle);
        if ($hangUp || count($this->idle) >= 8) {
            $line->close();
        } else {
            $line->unload();
            $this->idle[] = $line;
        }
    }

    public function close(): void
    {
        foreach ($this->lines as $line) {
            if ($line->inbox !== null) {
                $line->inbox->status ??= new Status(Code::Cancelled, 'The connection was closed by the caller.');
            }
            $this->release($line, true);
        }
        $this->multi = null;
        $this->idle = [];
        $this->open = 0;
    }

    private function multi(): \CurlMultiHandle
    {
        $pid = getmypid();
        if ($this->multi !== null && $pid !== $this->pid) {
            $this->leaveToParent();
        }
        if ($this->multi === null) {
            $this->multi = curl_multi_init();
            curl_multi_setopt($this->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
            $this->pid = $pid;
        }

        return $this->multi;
    }

    /** After a fork the connections are the parent's: neither used nor shut down here. */
    private function leaveToParent(): void
    {
        static $inherited = [];
        $inherited[] = [$this->multi, $this->lines, $this->idle];
        foreach ($this->lines as $line) {
            if ($line->inbox !== null) {
                $line->inbox->status ??= new Status(Code::Unavailable, 'The call belongs to the process that started it.');
            }
        }
        $this->multi = null;
        $this->lines = $this->idle = [];
        $this->open = 0;
    }

    private function httpVersion(): int
    {
        if ($this->endpoint->tls !== null) {
            return CURL_HTTP_VERSION_2TLS;
        }

        return $this->open > 0 ? $this->reuseVersion() : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
    }

    private function reuseVersion(): int
    {
        if ($this->endpoint->tls !== null) {
            return CURL_HTTP_VERSION_2TLS;
        }

        return $this->needsHelp() ? CURL_HTTP_VERSION_2_0 : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
    }

    private function needsHelp(): bool
    {
        return $this->endpoint->tls === null && $this->version->cannotReusePriorKnowledge();
    }

    private function collect(\CurlMultiHandle $multi): void
    {
        while (($info = curl_multi_info_read($multi)) !== false) {
            $line = $this->lines[spl_object_id($info['handle'])] ?? null;
            if ($line === null || $line->inbox === null) {
                continue;
            }
            if ($this->isSentAgain($line, $info['result'])) {
                curl_multi_remove_handle($multi, $line->handle);
                curl_multi_add_handle($multi, $line->handle);
                continue;
            }
            $this->finish($line, $line->inbox, $info['result']);
        }
    }

    /** Sends once more what the node has not handled, for two faults of libcurl. */
    private function isSentAgain(Line $line, int $error): bool
    {
        if ($line->fellBack($error) && $line->reload()) {
            $this->open = 0;

            return true;
        }

        return $line->inbox?->isUnheard($error, curl_error($line->handle)) && $line->probe($this->reuseVersion());
    }

    private function finish(Line $line, Inbox $inbox, int $error): void
    {
        try {
            $inbox->status = CurlFailure::ofLine($line, $inbox, $error, $this->endpoint);
        } finally {
            $this->release($line, $error !== 0);
        }
    }
}
