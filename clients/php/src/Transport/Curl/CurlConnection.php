<?php

declare(strict_types=1);

namespace Howdah\Client\Transport\Curl;

use Howdah\Client\Code;
use Howdah\Client\Exception\TransportException;
use Howdah\Client\Transport\Endpoint;
use Howdah\Client\Transport\Limits;
use Howdah\Client\Transport\Request;
use Howdah\Client\Transport\Status;

/** One HTTP/2 connection of libcurl and the exchanges that share it. */
final class CurlConnection
{
    private ?\CurlMultiHandle $multi = null;
    private int $pid = 0;

    /** Whether a connection stands that a new request can join. Only looked at where libcurl needs the help. */
    private bool $connected = false;

    /** The line that opens the connection the others wait for. */
    private ?Line $opening = null;

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

    public function start(Request $request, Inbox $inbox, ?float $deadline): Line
    {
        $multi = $this->multi();
        $this->awaitConnection($deadline);
        $line = array_pop($this->idle) ?? new Line($this->endpoint, $this->limits, $this->userAgent);
        $line->load($request, $inbox, $this->httpVersion(), $this->opensConnection());
        if ($this->opensConnection()) {
            $this->opening = $line;
        }
        $this->lines[spl_object_id($line->handle)] = $line;
        curl_multi_add_handle($multi, $line->handle);
        curl_multi_exec($multi, $running);

        return $line;
    }

    public function isIdle(): bool
    {
        return $this->lines === [];
    }

    public function close(): void
    {
        foreach ($this->lines as $line) {
            if ($line->inbox !== null) {
                $line->inbox->status ??= new Status(Code::Cancelled, 'The connection was closed by the caller.');
            }
            $this->release($line);
        }
        $this->multi = null;
        $this->idle = [];
        $this->connected = false;
    }

    /** Moves every exchange on and waits, at most until the deadline, for something to arrive. */
    public function drive(Inbox $for, ?float $deadline): void
    {
        $multi = $this->multi();
        curl_multi_exec($multi, $running);
        $this->collect($multi);
        if ($for->status !== null || !$for->reader->isEmpty()) {
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
     * @param bool $cancelled its exchange is still going on, and the node should know that nobody listens
     */
    public function release(Line $line, bool $cancelled = false): void
    {
        $id = spl_object_id($line->handle);
        if (!isset($this->lines[$id]) || $this->multi === null) {
            return;
        }
        unset($this->lines[$id]);
        curl_multi_remove_handle($this->multi, $line->handle);
        if ($this->opening === $line) {
            $this->opening = null;
        }
        if ($cancelled && $this->lines === []) {
            // libcurl keeps the RST_STREAM until it next writes on this connection, which may be never.
            $this->multi = null;
            $this->connected = false;
        }
        $line->unload();
        if (count($this->idle) < 8) {
            $this->idle[] = $line;
        }
    }

    private function multi(): \CurlMultiHandle
    {
        $pid = getmypid();
        if ($this->multi !== null && $pid !== $this->pid) {
            $this->leaveToParent();
        }
        if ($this->multi === null) {
            $this->multi = curl_multi_init();
            curl_multi_setopt($this->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
            $this->pid = $pid;
        }

        return $this->multi;
    }

    /** After a fork the connection is the parent's: neither used nor shut down here. */
    private function leaveToParent(): void
    {
        static $inherited = [];
        $inherited[] = [$this->multi, $this->lines, $this->idle];
        foreach ($this->lines as $line) {
            if ($line->inbox !== null) {
                $line->inbox->status ??= new Status(Code::Unavailable, 'The call belongs to the process that started it.');
            }
        }
        $this->multi = $this->opening = null;
        $this->lines = $this->idle = [];
        $this->connected = false;
    }

    private function httpVersion(): int
    {
        if ($this->endpoint->tls !== null) {
            return CURL_HTTP_VERSION_2TLS;
        }

        return $this->needsHelp() && $this->connected ? CURL_HTTP_VERSION_2_0 : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
    }

    private function needsHelp(): bool
    {
        return $this->endpoint->tls === null && $this->version->cannotReusePriorKnowledge();
    }

    private function opensConnection(): bool
    {
        return $this->needsHelp() && !$this->connected;
    }

    /** Lets a request that comes while the connection is being opened wait for it, instead of opening another. */
    private function awaitConnection(?float $deadline): void
    {
        while ($this->opening !== null && $this->opening->inbox !== null && $this->needsHelp() && !$this->connected) {
            if ($deadline !== null && hrtime(true) / 1e9 >= $deadline) {
                return;
            }
            if (curl_getinfo($this->opening->handle, CURLINFO_PRETRANSFER_TIME_T) > 0) {
                $this->connected = true;
                $this->opening = null;

                return;
            }
            $this->drive($this->opening->inbox, $deadline);
        }
    }

    private function collect(\CurlMultiHandle $multi): void
    {
        while (($info = curl_multi_info_read($multi)) !== false) {
            $line = $this->lines[spl_object_id($info['handle'])] ?? null;
            if ($line === null || $line->inbox === null) {
                continue;
            }
            if ($this->fellBack($line) && $line->reload()) {
                curl_multi_remove_handle($multi, $line->handle);
                curl_multi_add_handle($multi, $line->handle);
                $this->opening = $line;
                $this->connected = false;
                continue;
            }
            $this->finish($line, $line->inbox, $info['result']);
        }
    }

    /**
     * Tells that the connection was gone and libcurl opened one with HTTP/1.1 in its place. Nothing was
     * handled then: no gRPC server takes HTTP/1.1, and a body that had begun is never sent twice.
     */
    private function fellBack(Line $line): bool
    {
        return $this->needsHelp()
            && curl_getinfo($line->handle, CURLINFO_NUM_CONNECTS) > 0
            && curl_getinfo($line->handle, CURLINFO_HTTP_VERSION) !== CURL_HTTP_VERSION_2_0;
    }

    private function finish(Line $line, Inbox $inbox, int $error): void
    {
        $message = $error === 0 ? '' : curl_error($line->handle);
        $isHttp2 = curl_getinfo($line->handle, CURLINFO_HTTP_VERSION) === CURL_HTTP_VERSION_2_0;
        $this->connected = $isHttp2 && ($error === 0 || $error === 23 || $error === 92);
        if (CurlFailure::isMisconfiguration($error)) {
            $inbox->status = new Status(Code::Unavailable, $message);
            $this->release($line);
            throw TransportException::because("{$this->endpoint->address}: $message (curl error $error)");
        }
        $inbox->status = $error === 0 && !$isHttp2
            ? new Status(Code::Unavailable, "{$this->endpoint->address} does not speak HTTP/2.")
            : CurlFailure::status($inbox, $error, $message, $this->endpoint->address);
        $this->release($line);
    }
}
