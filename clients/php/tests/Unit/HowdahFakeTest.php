<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Unit;

use Howdah\Analytics\V1\ComputeKpisRequest;
use Howdah\Analytics\V1\ComputeKpisResponse;
use Howdah\Analytics\V1\Kpis;
use Howdah\Client\Contract\Methods;
use Howdah\Client\Contract\Reason;
use Howdah\Client\Exception\ResourceExhausted;
use Howdah\Client\Exception\Unavailable;
use Howdah\Client\Testing\HowdahFake;
use Howdah\Client\Testing\MethodTypes;
use Howdah\Jobs\V1\Job;
use Howdah\Jobs\V1\WatchJobResponse;
use Howdah\Node\V1\PingResponse;
use PHPUnit\Framework\ExpectationFailedException;
use PHPUnit\Framework\TestCase;

final class HowdahFakeTest extends TestCase
{
    public function test_it_answers_and_remembers_what_it_was_asked(): void
    {
        $howdah = (new HowdahFake())->answer('ComputeKpis', (new ComputeKpisResponse())->setKpis((new Kpis())->setOrders(7)));

        self::assertEquals(7, $howdah->client('globex')->analytics()->computeKpis('2021-01-01', '2022-01-01')->getKpis()->getOrders());

        $howdah->assertCalled('ComputeKpis', static fn (ComputeKpisRequest $asked): bool => $asked->getStartDate() === '2021-01-01', times: 1);
        $howdah->assertNotCalled('Ping');
        self::assertSame('globex', $howdah->calls()[0]->tenant);
    }

    public function test_failures_come_from_the_catalogue_and_the_client_repeats_as_it_does(): void
    {
        $howdah = (new HowdahFake())
            ->fail('Ping', Reason::NodeDraining)
            ->fail('Ping', Reason::RateLimited, retryAfterMs: 400)
            ->answer('Ping', (new PingResponse())->setMessage('pong'));

        self::assertSame('pong', $howdah->client()->node()->ping()->getMessage());
        $howdah->assertCalled('Ping', times: 3);
        self::assertSame([0.1, 0.5], $howdah->clock->slept);
    }

    public function test_a_failure_that_stays_is_thrown_with_its_reason(): void
    {
        $howdah = (new HowdahFake())->fail('Ping', Reason::RateLimited, retryAfterMs: 60_000);
        try {
            $howdah->client()->node()->ping();
            self::fail('answered');
        } catch (ResourceExhausted $failed) {
            self::assertSame([Reason::RateLimited, 60_000], [$failed->knownReason(), $failed->retryAfterMs()]);
        }
        self::assertSame([], $howdah->clock->slept, 'the deadline does not allow such a wait');
    }

    public function test_a_stream_ends_as_it_was_told(): void
    {
        $howdah = (new HowdahFake())->stream('WatchJob', [(new WatchJobResponse())->setJob((new Job())->setSequence(1))], Reason::NodeDraining);
        $this->expectException(Unavailable::class);
        foreach ($howdah->client()->jobs()->watch('j') as $job) {
            self::assertEquals(1, $job->getSequence());
        }
    }

    public function test_an_answer_of_another_method_is_refused(): void
    {
        $this->expectExceptionMessage('answers with Howdah\Analytics\V1\ComputeKpisResponse, not with Howdah\Node\V1\PingResponse');
        (new HowdahFake())->answer('ComputeKpis', new PingResponse());
    }

    public function test_a_method_that_the_contract_does_not_have_is_refused(): void
    {
        $this->expectExceptionMessage('The contract has no method "ComputeKpi".');
        (new HowdahFake())->answer('ComputeKpi', new ComputeKpisResponse());
    }

    public function test_an_assertion_that_does_not_hold_fails(): void
    {
        $howdah = new HowdahFake();
        $howdah->assertNothingCalled();
        $this->expectException(ExpectationFailedException::class);
        $howdah->assertCalled('Ping');
    }

    public function test_the_messages_of_every_method_are_known(): void
    {
        foreach (array_keys((new \ReflectionClassConstant(Methods::class, 'POLICIES'))->getValue()) as $path) {
            $types = MethodTypes::of($path);
            self::assertTrue(class_exists($types->request) && class_exists($types->response), $path);
        }
    }
}
