<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Unit;

use Howdah\Client\Calls\Caller;
use Howdah\Client\Client;
use Howdah\Client\Code;
use Howdah\Client\Exception\DownloadCorrupted;
use Howdah\Client\Exception\Unavailable;
use Howdah\Client\Options;
use Howdah\Client\Tests\Support\FakeClock;
use Howdah\Client\Tests\Support\ScriptedTransport;
use Howdah\Client\Transport\Status;
use Howdah\Files\V1\DownloadFileRequest;
use Howdah\Files\V1\DownloadFileResponse;
use Howdah\Files\V1\File;
use PHPUnit\Framework\TestCase;

final class DownloadTest extends TestCase
{
    private string $folder;
    private ScriptedTransport $transport;

    protected function setUp(): void
    {
        $this->folder = sys_get_temp_dir() . '/' . uniqid('howdah-download-');
        mkdir($this->folder);
    }

    protected function tearDown(): void
    {
        array_map('unlink', glob($this->folder . '/*'));
        rmdir($this->folder);
    }

    private static function piece(string $data, string $whole = ''): string
    {
        $piece = (new DownloadFileResponse())->setData($data);
        if ($whole !== '') {
            $piece->setFile((new File())->setFileId('f')->setSizeBytes(strlen($whole))->setSha256(hash('sha256', $whole)));
        }

        return $piece->serializeToString();
    }

    /** @param list<array{list<string>, Status}> $script */
    private function download(array $script): string
    {
        $this->transport = new ScriptedTransport($script);
        $client = new Client(new Caller($this->transport, (new Options())->withRetries(0), new FakeClock()));
        $client->files()->download('f', $this->folder . '/target');

        return (string) file_get_contents($this->folder . '/target');
    }

    public function test_a_broken_stream_goes_on_from_the_byte_where_it_ended(): void
    {
        self::assertSame('hello world', $this->download([
            [[self::piece('hel', 'hello world'), self::piece('lo')], new Status(Code::Unavailable)],
            [[self::piece(' world', 'hello world')], new Status(Code::Ok)],
        ]));
        $second = new DownloadFileRequest();
        $second->mergeFromString($this->transport->requests[1]->message);
        self::assertSame(5, (int) $second->getOffset());
    }

    public function test_wrong_bytes_never_reach_the_target(): void
    {
        file_put_contents($this->folder . '/target', 'what was there before');
        try {
            $this->download([[[self::piece('hexlo', 'hello')], new Status(Code::Ok)]]);
            self::fail('accepted');
        } catch (DownloadCorrupted) {
            self::assertSame([$this->folder . '/target'], glob($this->folder . '/*'));
            self::assertSame('what was there before', file_get_contents($this->folder . '/target'));
        }
    }

    public function test_a_stream_that_keeps_breaking_is_given_up(): void
    {
        try {
            $this->download([[[self::piece('h', 'hello')], new Status(Code::Unavailable)], [[], new Status(Code::Unavailable)]]);
            self::fail('ended');
        } catch (Unavailable) {
            self::assertCount(6, $this->transport->requests);
            self::assertSame([], glob($this->folder . '/*'));
        }
    }
}
