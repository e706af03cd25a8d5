<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Unit;

use Howdah\Client\Code;
use Howdah\Client\Transport\Curl\CurlFailure;
use Howdah\Client\Transport\Curl\CurlVersion;
use Howdah\Client\Transport\Curl\Inbox;
use Howdah\Client\Transport\Endpoint;
use Howdah\Client\Transport\MessageReader;
use Howdah\Client\Transport\Metadata;
use Howdah\Client\Transport\Status;
use Howdah\Client\Exception\ConfigurationException;
use Howdah\Client\Exception\TransportException;
use PHPUnit\Framework\TestCase;

final class ReceivingTest extends TestCase
{
    private static function frame(string $message, int $flag = 0): string
    {
        return pack('CN', $flag, strlen($message)) . $message;
    }

    public function test_messages_are_cut_out_wherever_the_pieces_end(): void
    {
        $messages = ['', 'a', str_repeat('b', 300), 'c'];
        $body = implode('', array_map(static fn (string $message): string => self::frame($message), $messages));
        foreach ([1, 2, 5, 7, 64, 1000] as $size) {
            $reader = new MessageReader(1000);
            $read = [];
            foreach (str_split($body, $size) as $piece) {
                self::assertNull($reader->push($piece));
                while (!$reader->isEmpty()) {
                    $read[] = $reader->take('identity');
                }
            }
            self::assertSame($messages, $read);
            self::assertFalse($reader->isMidMessage());
        }
    }

    public function test_a_message_over_the_limit_is_refused_as_soon_as_its_length_is_known(): void
    {
        $wrong = (new MessageReader(10))->push(pack('CN', 0, 11));

        self::assertSame(Code::ResourceExhausted, $wrong?->code);
        self::assertStringContainsString('maxReceiveBytes', (string) $wrong?->message);
    }

    public function test_a_compressed_message_is_unpacked_within_the_limit(): void
    {
        $reader = new MessageReader(1000);
        $reader->push(self::frame((string) gzencode('plain'), 1) . self::frame((string) gzencode(str_repeat('x', 5000)), 1));

        self::assertSame('plain', $reader->take('gzip'));
        self::assertInstanceOf(Status::class, $reader->take('gzip'));
    }

    public function test_unknown_compression_and_damage_are_internal_errors(): void
    {
        $reader = new MessageReader(1000);
        $reader->push(self::frame('x', 1) . self::frame('not gzip', 1));

        self::assertSame(Code::Internal, $reader->take('snappy')->code);
        self::assertSame(Code::Internal, $reader->take('gzip')->code);
        self::assertSame(Code::Internal, $reader->push("\x07\0\0\0\0")?->code);
    }

    public function test_headers_and_trailers_are_told_apart_even_when_lines_come_together(): void
    {
        $inbox = new Inbox(1000);
        $inbox->takeHeaders("HTTP/2 103 \r\n");
        $inbox->takeHeaders("x-hint: 1\r\n");
        $inbox->takeHeaders("\r\n");
        $inbox->takeHeaders("HTTP/2 200 \r\n");
        $inbox->takeHeaders("content-type: application/grpc\r\n");
        $inbox->takeHeaders("x-many: one\r\nx-many: two\r\n");
        self::assertFalse($inbox->headersDone);
        $inbox->takeHeaders("\r\n");
        self::assertTrue($inbox->headersDone);
        $inbox->takeHeaders("grpc-status: 5\r\ngrpc-message: 100%25 g%C4%99%C5%9Bl%C4%85\r\nx-end-bin: AQI,/w\r\n\r\n");

        self::assertSame(['content-type' => ['application/grpc'], 'x-many' => ['one', 'two']], $inbox->headers());
        self::assertEquals(new Status(Code::NotFound, '100% gęślą', ['x-end-bin' => ["\x01\x02", "\xff"]]), $inbox->sentStatus());
    }

    public function test_a_status_where_the_headers_are_counts(): void
    {
        $inbox = new Inbox(1000);
        foreach (["HTTP/2 200 \r\n", "content-type: application/grpc\r\n", "grpc-status: 7\r\n", "\r\n"] as $line) {
            $inbox->takeHeaders($line);
        }

        self::assertSame(Code::PermissionDenied, $inbox->sentStatus()?->code);
    }

    /** @dataProvider curlErrors */
    public function test_errors_of_curl_get_the_code_that_grpc_gives_them(int $error, string $message, Code $code): void
    {
        self::assertSame($code, CurlFailure::status(new Inbox(10), $error, $message, 'here')->code);
    }

    /** @return iterable<string, array{int, string, Code}> */
    public static function curlErrors(): iterable
    {
        yield 'refused' => [CURLE_COULDNT_CONNECT, 'Connection refused', Code::Unavailable];
        yield 'unknown host' => [CURLE_COULDNT_RESOLVE_HOST, '', Code::Unavailable];
        yield 'connection took too long' => [CURLE_OPERATION_TIMEDOUT, '', Code::Unavailable];
        yield 'broken' => [CURLE_RECV_ERROR, '', Code::Unavailable];
        yield 'cannot be rewound' => [65, '', Code::Unavailable];
        yield 'stream refused' => [92, 'HTTP/2 stream 1 was not closed cleanly: REFUSED_STREAM (err 7)', Code::Unavailable];
        yield 'stream cancelled' => [92, 'HTTP/2 stream 3 was not closed cleanly: CANCEL (err 8)', Code::Cancelled];
        yield 'calm' => [92, 'HTTP/2 stream 3 was not closed cleanly: ENHANCE_YOUR_CALM (err 11)', Code::ResourceExhausted];
        yield 'protocol' => [92, 'HTTP/2 stream 3 was not closed cleanly: PROTOCOL_ERROR (err 1)', Code::Internal];
    }

    public function test_what_the_node_said_comes_before_what_curl_says(): void
    {
        $inbox = new Inbox(10);
        $inbox->takeHeaders("HTTP/2 200 \r\ncontent-type: application/grpc\r\ngrpc-status: 9\r\n\r\n");

        self::assertSame(Code::FailedPrecondition, CurlFailure::status($inbox, 92, 'NO_ERROR (err 0)', 'here')->code);
    }

    public function test_an_answer_that_is_no_grpc_says_so(): void
    {
        $inbox = new Inbox(10);
        $inbox->takeHeaders("HTTP/2 503 \r\ncontent-type: text/html\r\n\r\n");
        self::assertSame(Code::Unavailable, CurlFailure::status($inbox, 0, '', 'here')->code);

        $inbox = new Inbox(10);
        $inbox->takeHeaders("HTTP/2 200 \r\ncontent-type: text/html\r\n\r\n");
        self::assertStringContainsString('text/html', CurlFailure::status($inbox, 0, '', 'here')->message);
    }

    public function test_an_answer_without_an_end_is_that_of_a_node_that_was_killed(): void
    {
        foreach (['', "\0\0\0\0\x05hel"] as $arrived) {
            $inbox = new Inbox(10);
            $inbox->takeHeaders("HTTP/2 200 \r\ncontent-type: application/grpc\r\n\r\n");
            $inbox->takeBody($arrived);
            self::assertSame(Code::Unavailable, CurlFailure::status($inbox, 0, '', 'here')->code);
        }
    }

    public function test_metadata_is_written_as_headers(): void
    {
        $lines = [];
        foreach (Metadata::normalise(['X-A' => 'b', 'x-many' => ['1', '2'], 'x-blob-bin' => "\0\xff", 'x-empty' => '']) as $name => $values) {
            foreach ($values as $value) {
                $lines[] = Metadata::headerLine($name, $value);
            }
        }

        self::assertSame(['x-a: b', 'x-many: 1', 'x-many: 2', 'x-blob-bin: AP8', 'x-empty;'], $lines);
    }

    public function test_addresses_are_read(): void
    {
        $read = static fn (string $address): array => [
            ($endpoint = Endpoint::parse($address))->baseUrl(),
            $endpoint->socketPath,
        ];

        self::assertSame(['http://127.0.0.1:50051', null], $read('127.0.0.1:50051'));
        self::assertSame(['http://[::1]:50051', null], $read('[::1]:50051'));
        self::assertSame(['https://node.internal:443', null], $read('https://node.internal:443'));
        self::assertSame(['http://node:50051', null], $read('http://node:50051/'));
        self::assertSame(['http://node:50051', null], $read('dns:///node:50051'));
        self::assertSame(['http://localhost', '/run/howdah.sock'], $read('unix:/run/howdah.sock'));
        self::assertSame(['http://localhost', '/run/howdah.sock'], $read('unix:///run/howdah.sock'));
        foreach (['', 'localhost', 'localhost:http', 'localhost:99999', 'a b:1', 'ftp://x:1', 'unix:', 'x:1/path', "x:1\n"] as $wrong) {
            try {
                Endpoint::parse($wrong);
                self::assertSame("x:1\n", $wrong, "accepted: $wrong");
            } catch (ConfigurationException) {
                $this->addToAssertionCount(1);
            }
        }
    }

    public function test_versions_of_libcurl_that_cannot_carry_grpc_are_refused_with_a_reason(): void
    {
        foreach ([[0x080C01, true], [0x080D00, true], [0x071D00, true], [0x075801, false]] as [$number, $hasHttp2]) {
            try {
                (new CurlVersion($number, 'x', $hasHttp2))->assertUsable();
                self::fail(dechex($number) . ' was accepted');
            } catch (TransportException $refused) {
                self::assertFalse($refused->isRetryable());
            }
        }
        (new CurlVersion(0x075801, '7.88.1', true))->assertUsable();
        (new CurlVersion(0x080E01, '8.14.1', true))->assertUsable();
        self::assertTrue((new CurlVersion(0x075801, '7.88.1', true))->cannotReusePriorKnowledge());
        self::assertFalse((new CurlVersion(0x080000, '8.0.0', true))->cannotReusePriorKnowledge());
        self::assertFalse((new CurlVersion(0x075100, '7.81.0', true))->cannotReusePriorKnowledge());
    }
}
