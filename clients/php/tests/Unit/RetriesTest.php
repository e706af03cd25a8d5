<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Unit;

use Howdah\Client\Calls\Caller;
use Howdah\Client\Calls\Retries;
use Howdah\Client\Code;
use Howdah\Client\Options;
use Howdah\Client\Signing\SigningKey;
use Howdah\Client\Tests\Support\FakeClock;
use Howdah\Client\Tests\Support\ScriptedTransport;
use Howdah\Client\Tests\Support\Statuses;
use Howdah\Client\Transport\Status;
use PHPUnit\Framework\TestCase;

final class RetriesTest extends TestCase
{
    private const READ = '/howdah.jobs.v1.JobsService/GetJob';
    private const WRITE = '/howdah.files.v1.FilesService/DeleteFile';

    private FakeClock $clock;
    private ScriptedTransport $transport;

    /** @param list<array{list<string>, Status}> $script */
    private function caller(array $script, ?Options $options = null, float $random = 1.0): Caller
    {
        $this->clock = new FakeClock();
        $this->transport = new ScriptedTransport($script);

        return new Caller($this->transport, $options ?? new Options(), $this->clock, static fn (): float => $random);
    }

    /** @return array{list<string>, Status} */
    private static function failing(Code $code = Code::Unavailable, ?int $retryMs = null, array $metadata = []): array
    {
        return [[], Statuses::of($code, $retryMs, $metadata)];
    }

    /** @return array{list<string>, Status} */
    private static function answering(): array
    {
        return [['answer'], new Status(Code::Ok)];
    }

    public function test_a_read_is_repeated_until_it_is_answered(): void
    {
        $call = $this->caller([self::failing(), self::failing(), self::answering()])->begin(self::READ, '');

        self::assertSame('answer', $call->next());
        self::assertTrue($call->status()->isOk());
        self::assertCount(3, $this->transport->requests);
    }

    public function test_the_message_of_a_unary_call_counts_only_with_its_status(): void
    {
        $cut = [['half'], Statuses::of(Code::Unavailable)];
        $call = $this->caller([$cut, self::answering()])->begin(self::READ, '');
        self::assertSame('answer', $call->next());
        self::assertCount(2, $this->transport->requests);

        $call = $this->caller([$cut, self::answering()])->begin(self::WRITE, '');
        self::assertNull($call->next());
        self::assertSame(Code::Unavailable, $call->status()->code);
    }

    public function test_a_change_is_not_repeated_unless_it_does_no_harm(): void
    {
        $call = $this->caller([self::failing(), self::answering()])->begin(self::WRITE, '');
        self::assertNull($call->next());
        self::assertSame(Code::Unavailable, $call->status()->code);
        self::assertCount(1, $this->transport->requests);

        $call = $this->caller([self::failing(), self::answering()])->begin(self::WRITE, '', repeatable: true);
        self::assertSame('answer', $call->next());
    }

    public function test_a_method_that_the_contract_does_not_have_is_not_repeated(): void
    {
        $call = $this->caller([self::failing(), self::answering()])->begin('/other.Service/Read', '');

        self::assertNull($call->next());
        self::assertCount(1, $this->transport->requests);
    }

    /** @dataProvider codesThatEndACall */
    public function test_other_codes_end_the_call(Code $code): void
    {
        $call = $this->caller([self::failing($code), self::answering()])->begin(self::READ, '');

        self::assertNull($call->next());
        self::assertSame($code, $call->status()->code);
        self::assertCount(1, $this->transport->requests);
    }

    /** @return iterable<string, array{Code}> */
    public static function codesThatEndACall(): iterable
    {
        foreach (Code::cases() as $code) {
            if ($code !== Code::Ok && $code !== Code::Unavailable) {
                yield $code->name => [$code];
            }
        }
    }

    public function test_exhaustion_is_repeated_only_when_the_node_says_when(): void
    {
        $call = $this->caller([self::failing(Code::ResourceExhausted, 250), self::answering()], random: 0.5)->begin(self::READ, '');

        self::assertSame('answer', $call->next());
        self::assertEqualsWithDelta([0.30], $this->clock->slept, 1e-9);
    }

    public function test_the_wait_is_a_random_part_of_a_growing_span(): void
    {
        $this->caller([self::failing()], (new Options())->withRetries(new Retries(7, 0.1, 2.0)))->begin(self::READ, '')->status();
        self::assertEqualsWithDelta([0.1, 0.2, 0.4, 0.8, 1.6], array_slice($this->clock->slept, 0, 5), 1e-9);

        $options = (new Options())->withRetries(new Retries(7, 0.1, 2.0))->withTimeout(60.0);
        $this->caller([self::failing()], $options)->begin(self::READ, '')->status();
        self::assertEqualsWithDelta([0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0], $this->clock->slept, 1e-9);

        $this->caller([self::failing()], random: 0.0)->begin(self::READ, '')->status();
        self::assertSame([0.0, 0.0, 0.0], $this->clock->slept);
    }

    public function test_the_node_s_own_wait_is_obeyed(): void
    {
        $this->caller([self::failing(retryMs: 1500), self::answering()], random: 0.0)->begin(self::READ, '')->next();
        self::assertSame([1.5], $this->clock->slept);

        $this->caller([self::failing(metadata: ['grpc-retry-pushback-ms' => '700']), self::answering()], random: 0.0)
            ->begin(self::READ, '')->next();
        self::assertSame([0.7], $this->clock->slept);
    }

    public function test_a_pushback_that_is_no_number_forbids_another_attempt(): void
    {
        foreach (['-1', 'never', ''] as $pushback) {
            $call = $this->caller([self::failing(metadata: ['grpc-retry-pushback-ms' => $pushback]), self::answering()])->begin(self::READ, '');
            self::assertNull($call->next());
            self::assertCount(1, $this->transport->requests);
        }
    }

    public function test_the_number_of_retries_is_kept(): void
    {
        foreach ([0, 1, 5] as $count) {
            $options = (new Options())->withRetries($count)->withTimeout(100.0);
            $this->caller([self::failing()], $options)->begin(self::READ, '')->status();
            self::assertCount($count + 1, $this->transport->requests);
        }
    }

    public function test_the_deadline_is_one_for_all_attempts(): void
    {
        $call = $this->caller([self::failing()], (new Options())->withTimeout(0.25)->withRetries(10))->begin(self::READ, '');

        self::assertSame(Code::Unavailable, $call->status()->code);
        // After 0.1 s a wait of 0.2 s would end too late.
        self::assertEqualsWithDelta([0.1], $this->clock->slept, 1e-9);
        self::assertEqualsWithDelta([0.25, 0.15], array_column($this->transport->requests, 'timeout'), 1e-9);
    }

    public function test_a_stream_is_not_repeated_after_its_first_message(): void
    {
        $call = $this->caller([[['one'], Statuses::of(Code::Unavailable)], self::answering()])->begin(self::READ, '', streaming: true);

        self::assertSame('one', $call->next());
        self::assertNull($call->next());
        self::assertSame(Code::Unavailable, $call->status()->code);
        self::assertCount(1, $this->transport->requests);
    }

    public function test_a_cancelled_call_is_not_repeated(): void
    {
        $call = $this->caller([self::failing()])->begin(self::READ, '');
        $call->cancel();

        self::assertNull($call->next());
        self::assertCount(1, $this->transport->requests);
    }

    public function test_each_attempt_is_signed_anew_and_keeps_the_correlation_id_and_the_bytes(): void
    {
        $options = (new Options(tenant: 'acme'))->withCredentials(new SigningKey('k', str_repeat('ab', 32)));
        $this->caller([self::failing(), self::failing(), self::answering()], $options)->begin(self::READ, 'bytes')->next();
        $sent = array_column($this->transport->requests, 'metadata');

        self::assertCount(3, array_unique(array_column(array_column($sent, 'x-internal-nonce'), 0)));
        self::assertCount(3, array_unique(array_column(array_column($sent, 'x-internal-signature'), 0)));
        self::assertCount(1, array_unique(array_column(array_column($sent, 'x-correlation-id'), 0)));
        self::assertSame(['bytes', 'bytes', 'bytes'], array_column($this->transport->requests, 'message'));
        self::assertSame(['acme'], $sent[0]['x-tenant-id']);
    }
}
