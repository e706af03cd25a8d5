<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Frameworks;

use Howdah\Client\Client;
use Howdah\Client\Contract\Reason;
use Howdah\Client\Exception\ConfigurationException;
use Howdah\Client\Exception\Unavailable;
use Howdah\Client\Laravel\HealthCheck;
use Howdah\Client\Laravel\Howdah;
use Howdah\Client\Laravel\HowdahServiceProvider;
use Howdah\Client\Laravel\JobEnded;
use Howdah\Client\Testing\HowdahFake;
use Howdah\Client\Tests\Standins\Application;
use Howdah\Jobs\V1\Job;
use Howdah\Jobs\V1\JobProgress;
use Howdah\Jobs\V1\JobState;
use Howdah\Jobs\V1\WatchJobResponse;
use Howdah\Node\V1\PingResponse;
use Illuminate\Config\Repository;
use Illuminate\Console\Application as Artisan;
use Illuminate\Contracts\Events\Dispatcher as DispatcherContract;
use Illuminate\Events\Dispatcher;
use Illuminate\Support\Facades\Facade;
use Illuminate\Support\ServiceProvider;
use PHPUnit\Framework\TestCase;

require_once __DIR__ . '/../frameworks.php';

final class LaravelTest extends TestCase
{
    private const ID = '4ba193f8-c1fd-4c98-bf49-d9c99beaef8d';

    private Application $app;
    private Dispatcher $events;

    /** @param array<string, mixed> $settings */
    private function boot(array $settings): Application
    {
        $this->app = new Application();
        $this->events = new Dispatcher($this->app);
        $this->app->instance('config', new Repository(['howdah' => $settings]));
        $this->app->instance(DispatcherContract::class, $this->events);
        Artisan::forgetBootstrappers();
        $provider = new HowdahServiceProvider($this->app);
        $provider->register();
        $provider->boot();
        Facade::clearResolvedInstances();
        Facade::setFacadeApplication($this->app);

        return $this->app;
    }

    /** @return array{int, string} exit code and output */
    private function artisan(string $command): array
    {
        $artisan = new Artisan($this->app, $this->events, 'testing');
        $code = $artisan->call($command);

        return [$code, $artisan->output()];
    }

    private function fake(HowdahFake $fake): void
    {
        $this->app->bind(Client::class, static fn (): Client => $fake->client());
    }

    public function test_the_client_has_the_settings_of_the_configuration(): void
    {
        $app = $this->boot(['dsn' => 'howdah://k-1:' . str_repeat('ab', 32) . '@127.0.0.1:1?tenant=acme', 'accel_location' => '/files/']);

        $options = $app->make(Client::class)->options();
        self::assertSame(['acme', '/files/'], [$options->tenant, $options->accelLocation]);
    }

    public function test_settings_that_come_from_the_environment_are_text(): void
    {
        $app = $this->boot(['address' => '127.0.0.1:1', 'key_id' => 'k-1', 'secret' => str_repeat('ab', 32), 'timeout' => '2.5', 'retries' => '0', 'tenant' => '']);

        $options = $app->make(Client::class)->options();
        self::assertSame([2.5, null], [$options->timeout, $options->tenant]);
    }

    public function test_a_setting_that_there_is_not_is_named(): void
    {
        $this->expectException(ConfigurationException::class);
        $this->expectExceptionMessage('"adress"');
        $this->boot(['adress' => '127.0.0.1:1'])->make(Client::class);
    }

    public function test_each_request_has_its_own_correlation_id_on_the_connection_of_all(): void
    {
        $app = $this->boot(['address' => '127.0.0.1:1', 'token' => 'a.b.c']);
        $ids = [];
        foreach ([self::ID, 'd8fe1c9c-0f2b-4a7d-9c5e-1f2e3d4c5b6a'] as $id) {
            $app->instance('request', (object) ['server' => new Repository(['HTTP_X_CORRELATION_ID' => $id])]);
            self::assertSame($id, $app->make(Client::class)->options()->correlationId);
            self::assertSame($id, Howdah::options()->correlationId);
            $ids[] = $app->make(Client::class)->options()->credentials;
        }

        self::assertSame($ids[0], $ids[1]);
    }

    public function test_a_test_of_the_application_puts_a_fake_behind_the_facade(): void
    {
        $this->boot([]);
        $fake = (new HowdahFake())->answer('Ping', (new PingResponse())->setMessage('fake'));
        Howdah::swap($fake->client());

        self::assertSame('fake', Howdah::node()->ping()->getMessage());
        self::assertSame('fake', $this->app->make(Client::class)->node()->ping()->getMessage());
    }

    public function test_the_configuration_can_be_published(): void
    {
        $this->boot([]);
        $published = ServiceProvider::pathsToPublish(HowdahServiceProvider::class, 'howdah-config');

        self::assertSame(['/srv/app/config/howdah.php'], array_values($published));
        $read = require array_key_first($published);
        self::assertFalse($read['health']);
    }

    public function test_the_doctor_says_what_is_not_set(): void
    {
        $this->boot([]);
        [$code, $output] = $this->artisan('howdah:doctor');

        self::assertSame(1, $code);
        self::assertStringContainsString('FAIL  settings   Set dsn, or address, key_id and secret.', $output);
        self::assertStringContainsString('config/howdah.php', $output);
    }

    public function test_the_doctor_looks_at_the_node(): void
    {
        $this->boot([]);
        $this->fake((new HowdahFake())->answer('Ping', (new PingResponse())->setTenantId('acme')->setKeyId('k-1')));
        [$code, $output] = $this->artisan('howdah:doctor');

        self::assertSame(0, $code);
        self::assertStringContainsString('ok    tenant     acme', $output);
    }

    public function test_a_job_is_watched_to_its_end_and_listeners_are_told(): void
    {
        $this->boot([]);
        $seen = [];
        $this->events->listen(JobEnded::class, static function (JobEnded $ended) use (&$seen): void {
            $seen[] = [$ended->job->getJobId(), $ended->succeeded];
        });
        foreach ([JobState::JOB_STATE_SUCCEEDED, JobState::JOB_STATE_CANCELLED] as $code => $end) {
            $running = (new Job())->setJobId(self::ID)->setSequence(2)->setState(JobState::JOB_STATE_RUNNING)
                ->setProgress((new JobProgress())->setDone(3)->setTotal(50)->setMessage('Sheets'));
            $ended = (new Job())->setJobId(self::ID)->setSequence(3)->setState($end);
            $this->fake((new HowdahFake())->stream('WatchJob', [
                (new WatchJobResponse())->setJob($running),
                (new WatchJobResponse())->setJob($ended),
            ]));
            [$exit, $output] = $this->artisan('howdah:watch ' . self::ID);

            self::assertSame($code, $exit, $output);
            self::assertStringContainsString('3/50 Sheets', $output);
        }

        self::assertSame([[self::ID, true], [self::ID, false]], $seen);
    }

    public function test_the_health_page_fails_with_the_node_where_that_is_wanted(): void
    {
        $event = 'Illuminate\Foundation\Events\DiagnosingHealth';
        $this->boot([]);
        self::assertFalse($this->events->hasListeners($event));

        $this->boot(['health' => true]);
        $this->fake((new HowdahFake())->answer('Ping', new PingResponse()));
        $this->events->dispatch($event);

        $this->fake((new HowdahFake())->fail('Ping', Reason::NodeDraining));
        $this->expectException(Unavailable::class);
        $this->events->dispatch($event);
    }

    public function test_a_check_tries_once_and_within_a_second(): void
    {
        $fake = (new HowdahFake())->fail('Ping', Reason::NodeDraining);
        try {
            (new HealthCheck($fake->client()))->handle();
            self::fail('healthy');
        } catch (Unavailable) {
            $fake->assertCalled('Ping', times: 1);
        }
    }
}
