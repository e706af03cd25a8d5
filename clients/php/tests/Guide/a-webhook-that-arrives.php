<?php

declare(strict_types=1);

final class FetchReport
{
    public function __construct(public string $fileId)
    {
    }
}

/** Stands for php://input, which is empty in a terminal. */
final class Input
{
    public static string $body = '{"type":"job.succeeded","timestamp":"2026-11-21T00:00:00Z","data":{"file_id":"f-1"}}';
    public mixed $context;
    private int $read = 0;

    public function stream_open(): bool
    {
        return true;
    }

    public function stream_read(int $count): string
    {
        $piece = substr(self::$body, $this->read, $count);
        $this->read += strlen($piece);

        return $piece;
    }

    public function stream_eof(): bool
    {
        return $this->read >= strlen(self::$body);
    }

    /** @return array<string, int> */
    public function stream_stat(): array
    {
        return [];
    }
}

const SECRET = 'whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=';

/** @return array<string, string> */
function getallheaders(): array
{
    $signature = hash_hmac('sha256', 'msg_1.' . ($now = time()) . '.' . Input::$body, base64_decode(substr(SECRET, 6)), true);

    return ['Webhook-Id' => 'msg_1', 'Webhook-Timestamp' => (string) $now, 'Webhook-Signature' => 'v1,' . base64_encode($signature)];
}

stream_wrapper_unregister('php');
stream_wrapper_register('php', Input::class);
$secrets = new class {
    public function get(string $name): string
    {
        return SECRET;
    }
};
$seen = new class {
    public function add(string $id): bool
    {
        return $id === 'msg_1';
    }
};
$queue = new class {
    /** @var list<string> */
    public array $fetched = [];

    public function push(FetchReport $job): void
    {
        $this->fetched[] = $job->fileId;
    }
};
// [snippet]

check($queue->fetched === ['f-1'] && http_response_code() === 204, 'the report is fetched');
