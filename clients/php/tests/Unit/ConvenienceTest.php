<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Unit;

use Howdah\Client\Calls\Call;
use Howdah\Client\Calls\Caller;
use Howdah\Client\Calls\Ended;
use Howdah\Client\Calls\Middleware;
use Howdah\Client\Calls\RetryBudget;
use Howdah\Client\Client;
use Howdah\Client\Code;
use Howdah\Client\Dsn;
use Howdah\Client\Exception\ConfigurationException;
use Howdah\Client\Exception\InvalidArgument;
use Howdah\Client\Exception\Unavailable;
use Howdah\Client\Howdah;
use Howdah\Client\Options;
use Howdah\Client\Tests\Support\FakeClock;
use Howdah\Client\Tests\Support\ScriptedTransport;
use Howdah\Client\Tests\Support\Statuses;
use Howdah\Client\Transport\Exchange;
use Howdah\Client\Transport\Status;
use Howdah\Node\V1\PingResponse;
use PHPUnit\Framework\TestCase;

final class ConvenienceTest extends TestCase
{
    private ScriptedTransport $transport;

    /** @param list<array{list<string>, Status}> $script */
    private function client(array $script): Client
    {
        $this->transport = new ScriptedTransport($script);

        return new Client(new Caller($this->transport, (new Options())->withRetries(0), new FakeClock()));
    }

    private function answering(): Client
    {
        return $this->client([[[(new PingResponse())->setMessage('pong')->serializeToString()], Status::ok()]]);
    }

    public function test_a_dsn_has_everything(): void
    {
        $read = Dsn::parse('howdah://acme-b65a:s%2Fecret@127.0.0.1:50051?tenant=acme&timeout=2.5&retries=0&audience=eu');

        self::assertSame(
            ['127.0.0.1:50051', 'acme-b65a', 's/ecret', 'acme', 'eu', 2.5, 0],
            [$read->address, $read->keyId, $read->secret, $read->tenant, $read->audience, $read->timeout, $read->retries],
        );
        self::assertSame('unix:/run/howdah/grpc.sock', Dsn::parse('unix://k:s@/run/howdah/grpc.sock?tenant=acme')->address);
        self::assertSame('https://node:443', Dsn::parse('howdahs://k:s@node:443/')->address);
        self::assertStringNotContainsString('s/ecret', print_r($read, true));
        self::assertSame('acme', Howdah::fromDsn('howdah://k:' . str_repeat('00', 32) . '@h:1?tenant=acme')->options()->tenant);
    }

    /** @dataProvider wrongDsns */
    public function test_a_wrong_dsn_is_refused_without_telling_the_secret(string $dsn): void
    {
        try {
            Dsn::parse($dsn);
            self::fail('read');
        } catch (ConfigurationException $refused) {
            self::assertStringNotContainsString('geheim', $refused->getMessage());
        }
    }

    /** @return iterable<array{string}> */
    public static function wrongDsns(): iterable
    {
        yield ['127.0.0.1:50051'];
        yield ['howdah://geheim@h:1'];
        yield ['howdah://k:geheim@h:1?tenent=acme'];
        yield ['howdah://k:geheim@h:1?timeout=soon'];
        yield ['howdah://k:geheim@h:1?retries=-1'];
    }

    public function test_an_outcome_is_data_or_an_error(): void
    {
        $outcome = $this->answering()->try(static fn (Client $client) => $client->node()->ping());

        self::assertTrue($outcome->ok);
        self::assertSame('pong', $outcome->orThrow()->getMessage());
        self::assertSame('{"ok":true,"data":{"message":"pong"},"error":null}', json_encode($outcome));
    }

    public function test_a_failed_outcome_says_why_in_json(): void
    {
        $outcome = $this->client([[[], Statuses::of(Code::Unavailable, 250, reason: 'NODE_DRAINING')]])
            ->try(static fn (Client $client) => $client->node()->ping());
        $json = json_decode((string) json_encode($outcome), true);

        self::assertSame([false, null], [$json['ok'], $json['data']]);
        self::assertSame(['UNAVAILABLE', 'NODE_DRAINING', true, 250], [
            $json['error']['code'], $json['error']['reason'], $json['error']['retryable'], $json['error']['retry_after_ms'],
        ]);
        $this->expectException(Unavailable::class);
        $outcome->orThrow();
    }

    public function test_something_else_stands_in_while_the_node_is_away_but_not_for_a_mistake(): void
    {
        $ping = static fn (Client $client) => $client->node()->ping();
        $away = $this->client([[[], Statuses::of(Code::Unavailable)]])->try($ping);
        self::assertSame('cached', $away->orElse('cached'));
        self::assertSame(Code::Unavailable, $away->orElse(static fn (Unavailable $why) => $why->status()));

        $wrong = $this->client([[[], Statuses::of(Code::InvalidArgument)]])->try($ping);
        $this->expectException(InvalidArgument::class);
        $wrong->orElse('cached');
    }

    public function test_middleware_stands_around_calls_in_order(): void
    {
        $client = $this->answering();
        foreach (['outer', 'inner'] as $name) {
            $client = $client->withMiddleware(new class ($name) implements Middleware {
                public function __construct(private string $name)
                {
                }

                public function handle(Call $call, \Closure $next): Exchange
                {
                    $before = $call->metadata['x-way'][0] ?? '';

                    return $next($call->withMetadata('x-way', $before . $this->name . ' '));
                }
            });
        }
        $client->node()->ping();

        self::assertSame(['outer inner '], $this->transport->requests[0]->metadata['x-way']);
    }

    public function test_middleware_can_answer_by_itself(): void
    {
        $client = $this->answering()->withMiddleware(new class () implements Middleware {
            public function handle(Call $call, \Closure $next): Exchange
            {
                return new Ended(Status::ok(), [(new PingResponse())->setMessage('mine')->serializeToString()]);
            }
        });

        self::assertSame('mine', $client->node()->ping()->getMessage());
        self::assertSame([], $this->transport->requests);
    }

    public function test_the_ids_of_the_current_request_are_passed_on(): void
    {
        $id = '4ba193f8-c1fd-4c98-bf49-d9c99beaef8d';
        $trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
        $this->answering()->withCurrentRequest(['HTTP_X_REQUEST_ID' => strtoupper($id), 'HTTP_TRACEPARENT' => $trace])->node()->ping();
        $sent = $this->transport->requests[0]->metadata;

        self::assertSame([[$id], [$trace]], [$sent['x-correlation-id'], $sent['traceparent']]);
    }

    public function test_headers_of_the_wrong_form_are_not_passed_on(): void
    {
        $this->answering()->withCurrentRequest(['HTTP_X_REQUEST_ID' => "7\r\nx: y", 'HTTP_TRACEPARENT' => '00-' . str_repeat('0', 32) . '-b7ad6b7169203331-01'])->node()->ping();

        self::assertArrayNotHasKey('traceparent', $this->transport->requests[0]->metadata);
    }

    public function test_retries_end_when_most_calls_fail_and_come_back_when_they_do_not(): void
    {
        $budget = new RetryBudget(size: 4, gain: 1);
        self::assertSame([true, false, false], [$budget->allows(), $budget->allows(), $budget->allows()]);
        $budget->succeeded();
        $budget->succeeded();
        $budget->succeeded();
        self::assertTrue($budget->allows());
    }
}
