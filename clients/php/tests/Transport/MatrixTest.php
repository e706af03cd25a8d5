<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Transport;

use Howdah\Client\Calls\Caller;
use Howdah\Client\Client;
use Howdah\Client\Code;
use Howdah\Client\Options;
use Howdah\Client\Tests\Support\MisbehavingServer;
use Howdah\Client\Transport\Curl\CurlTransport;
use Howdah\Client\Transport\Endpoint;
use Howdah\Client\Transport\Limits;
use Howdah\Client\Transport\Request;
use Howdah\Node\V1\NodeServiceClient;
use Howdah\Node\V1\PingRequest;
use PHPUnit\Framework\TestCase;

/**
 * What becomes of a call when the server breaks the rules, frame by frame (tests/server/raw.py): never a hang,
 * never a success that was none, never a request sent twice; and the next call is answered.
 */
final class MatrixTest extends TestCase
{
    private const PATH = '/howdah.node.v1.NodeService/Ping';

    /** Seconds for what is never answered. */
    private const PATIENCE = 0.15;

    /** How a call is made: alone with `curl_exec`, among others, or as a stream. */
    private const WAYS = ['awaited' => [false, true], 'among others' => [false, false], 'stream' => [true, false]];

    /** libcurl 7.88 forgets trailers that arrive with the rest of the answer when the connection has been said to end. */
    private const MAY_BE_LOST = [Code::Ok, Code::Unavailable];

    /** Messages of an answer that went well, where it is not one. */
    private const MESSAGES = ['10,000 messages' => 10_000, 'two messages' => 2, 'no message' => 0, 'OK alone' => 0];

    /** The message may not have gone out yet: then libcurl sends it for the first time, on another connection. */
    private const MAY_BE_UNSENT = [Code::Unavailable, Code::Ok];

    /** libcurl may lose an answer that comes before the message is out: it is asked for again without the message. */
    private const MAY_BE_UNHEARD = [Code::ResourceExhausted, Code::Unavailable];

    /** Name in raw.py => codes that are right; where there are several, it depends on what arrives together. */
    private const OUTCOMES = [
        'well' => [Code::Ok],
        'well, with a status in the headers as well' => [Code::Ok],
        'well, after 100 and 103' => [Code::Ok],
        'well, in gzip' => [Code::Ok],
        'well, with frames that nobody knows' => [Code::Ok],
        'well, and the last one here' => self::MAY_BE_LOST,
        'well, and the last one here, later' => self::MAY_BE_LOST,
        'well, and the connection ends' => self::MAY_BE_LOST,
        'well, and then reset' => [Code::Ok],
        'well, drop by drop' => [Code::Ok],
        '20 MB' => [Code::Ok],
        '10,000 messages' => [Code::Ok],
        'no message' => [Code::Ok],
        'two messages' => [Code::Ok],
        'a status alone' => [Code::NotFound],
        'OK alone' => [Code::Ok],
        'a status after a message' => [Code::Aborted],
        'two statuses' => [Code::Internal],
        'a status that is no number' => [Code::Unknown],
        'a status that nobody knows' => [Code::Unknown],
        'no trailers' => [Code::Unavailable],
        'no trailers, and OK in the headers' => [Code::Unavailable],
        'trailers without a status' => [Code::Unavailable],
        'nothing but headers' => [Code::Unavailable],
        'half a message' => [Code::Unavailable],
        'half a prefix' => [Code::Unavailable],
        'a message and a half' => [Code::Unavailable],
        'a flag that gRPC does not have' => [Code::Internal],
        'compressed without an encoding' => [Code::Internal],
        'compressed otherwise than asked' => [Code::Internal],
        'broken gzip' => [Code::Internal],
        'HTML' => [Code::Unknown],
        'HTML with an error in the trailers' => [Code::PermissionDenied],
        'HTTP 204' => [Code::Unknown],
        'HTTP 302' => [Code::Unknown],
        'HTTP 400' => [Code::Internal],
        'HTTP 401' => [Code::Unauthenticated],
        'HTTP 403' => [Code::PermissionDenied],
        'HTTP 404' => [Code::Unimplemented],
        'HTTP 429' => [Code::Unavailable],
        'HTTP 500' => [Code::Unknown],
        'HTTP 502' => [Code::Unavailable],
        'HTTP 503' => [Code::Unavailable],
        'reset 0' => [Code::Internal],
        'reset 1' => [Code::Internal],
        'reset 2' => [Code::Internal],
        'reset 3' => [Code::Internal],
        'reset 4' => [Code::Internal],
        'reset 5' => [Code::Internal],
        'reset 6' => [Code::Internal],
        'reset 7' => [Code::Unavailable],
        'reset 8' => [Code::Cancelled],
        'reset 9' => [Code::Internal],
        'reset 10' => [Code::Internal],
        'reset 11' => [Code::ResourceExhausted],
        'reset 12' => [Code::PermissionDenied],
        // HTTP_1_1_REQUIRED, which libcurl obeys.
        'reset 13' => [Code::Unavailable],
        'reset after the headers' => [Code::Internal],
        'reset in a message' => [Code::Internal],
        'reset before the trailers' => [Code::Internal],
        'reset before the trailers without an error' => [Code::Unavailable],
        'refused before the trailers' => [Code::Unavailable],
        'closed' => [Code::Unavailable],
        'closed after the headers' => [Code::Unavailable],
        'closed in a message' => [Code::Unavailable],
        'closed before the trailers' => [Code::Unavailable],
        'closed in a frame' => [Code::Unavailable],
        'broken off' => [Code::Unavailable],
        'broken off before the trailers' => [Code::Unavailable],
        'goaway before the call' => [Code::Unavailable],
        'goaway for too many pings' => [Code::Unavailable],
        'goaway in the answer' => [Code::Unavailable],
        'no HTTP/2' => [Code::Unavailable],
        'a frame that is too large' => [Code::Unavailable, Code::DeadlineExceeded],
        'headers that cannot be read' => [Code::Unavailable],
        'a body without headers' => [Code::Unavailable],
        'silence' => [Code::DeadlineExceeded],
        'silence after the headers' => [Code::DeadlineExceeded],
        'silence in a message' => [Code::DeadlineExceeded],
        'silence in a frame' => [Code::DeadlineExceeded],
        'silence before the trailers' => [Code::DeadlineExceeded],
        'silence after a goaway' => [Code::DeadlineExceeded],
        'a slow drip' => [Code::DeadlineExceeded],
        'reset at the headers' => [Code::Internal],
        'refused at the headers' => self::MAY_BE_UNSENT,
        'closed at the headers' => self::MAY_BE_UNSENT,
        'broken off at the headers' => self::MAY_BE_UNSENT,
        'a status before the message' => self::MAY_BE_UNHEARD,
    ];

    private static ?MisbehavingServer $server = null;

    public static function setUpBeforeClass(): void
    {
        self::$server = new MisbehavingServer(script: 'raw.py');
    }

    public static function tearDownAfterClass(): void
    {
        self::$server?->stop();
        self::$server = null;
    }

    public function test_every_misbehaviour_has_an_outcome(): void
    {
        self::assertSame([], array_diff(json_decode((string) self::$server?->address('scenarios')), array_keys(self::OUTCOMES)));
    }

    /**
     * @dataProvider misbehaviours
     *
     * @param list<Code> $codes
     */
    public function test_it_ends_as_it_should(string $name, array $codes): void
    {
        $patience = in_array(Code::DeadlineExceeded, $codes, true) ? self::PATIENCE : 5.0;
        foreach (self::WAYS as $way => [$streaming, $awaited]) {
            foreach (['first call' => false, 'later call' => true] as $when => $later) {
                $transport = $this->transport();
                $later && self::assertSame([Code::Ok, 1], $this->call($transport, $streaming, $awaited, 5.0));
                $before = (int) self::$server?->tell($name);
                $began = hrtime(true);
                [$code, $messages] = $this->call($transport, $streaming, $awaited, $patience);
                $took = (hrtime(true) - $began) / 1e9;

                $case = "$name, $way, $when";
                self::assertContains($code, $codes, "$case: {$code->name}");
                $code === Code::Ok
                    ? self::assertSame(self::MESSAGES[$name] ?? 1, $messages, $case)
                    : self::assertLessThanOrEqual(1, $messages, $case);
                self::assertLessThan($patience + 1.0, $took, $case);
                $most = in_array($codes, [self::MAY_BE_UNSENT, self::MAY_BE_UNHEARD], true) ? 2 : 1;
                self::assertLessThanOrEqual($before + $most, (int) self::$server?->tell('well'), "$case: sent again");
                self::assertSame([Code::Ok, 1], $this->call($transport, $streaming, $awaited, 5.0), "after $case");
            }
        }
    }

    /**
     * @testWith ["no message"]
     *            ["two messages"]
     *            ["OK alone"]
     */
    public function test_a_unary_call_has_one_message_or_has_failed(string $name): void
    {
        $client = new Client(new Caller($this->transport(), new Options()));
        foreach ([true, false] as $awaited) {
            self::$server?->tell($name);
            [$answer, $status] = $client->stub(NodeServiceClient::class, $awaited)->Ping(new PingRequest())->wait();

            self::assertNull($answer);
            self::assertSame(Code::Internal->value, $status->code);
        }
    }

    /** @return iterable<string, array{string, list<Code>}> */
    public static function misbehaviours(): iterable
    {
        foreach (self::OUTCOMES as $name => $codes) {
            yield $name => [$name, $codes];
        }
    }

    private function transport(): CurlTransport
    {
        return new CurlTransport(Endpoint::parse((string) self::$server?->address()), new Limits(maxReceiveBytes: 32 * 1024 * 1024));
    }

    /** @return array{Code, int} how it ended, and the messages before */
    private function call(CurlTransport $transport, bool $streaming, bool $awaited, float $timeout): array
    {
        $exchange = $transport->start(new Request(self::PATH, 'hello', [], $timeout, $streaming, $awaited));
        $messages = 0;
        while ($exchange->next() !== null) {
            $messages++;
        }

        return [$exchange->status()->code, $messages];
    }
}
