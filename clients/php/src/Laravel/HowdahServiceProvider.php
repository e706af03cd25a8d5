<?php

declare(strict_types=1);

namespace Howdah\Client\Laravel;

use Howdah\Client\Client;
use Howdah\Client\Howdah;
use Illuminate\Contracts\Container\Container;
use Illuminate\Contracts\Events\Dispatcher;
use Illuminate\Support\ServiceProvider;
use Psr\Log\LoggerInterface;

/** Gives a Laravel application its client, its commands and its health check. Laravel finds it by itself. */
final class HowdahServiceProvider extends ServiceProvider
{
    /** Has the connection, which outlives a request under Octane. */
    private const CONNECTED = 'howdah.connected';

    /** Is there from Laravel 11 on. */
    private const HEALTH = 'Illuminate\Foundation\Events\DiagnosingHealth';

    public function register(): void
    {
        $this->mergeConfigFrom(__DIR__ . '/config.php', 'howdah');
        $this->app->singleton(self::CONNECTED, static function (Container $app): Client {
            $settings = $app->make('config')->get('howdah');
            unset($settings['health']);

            return Howdah::fromSettings($settings, $app->bound(LoggerInterface::class) ? $app->make(LoggerInterface::class) : null);
        });
        // Made for each who asks: correlation id and trace are those of the request that is being answered.
        $this->app->bind(Client::class, static function (Container $app): Client {
            $client = $app->make(self::CONNECTED);

            return $app->bound('request') ? $client->withCurrentRequest($app->make('request')->server->all()) : $client;
        });
    }

    public function boot(): void
    {
        if ($this->app->make('config')->get('howdah.health')) {
            $this->app->make(Dispatcher::class)->listen(self::HEALTH, [HealthCheck::class, 'handle']);
        }
        if ($this->app->runningInConsole()) {
            $this->publishes([__DIR__ . '/config.php' => $this->app->configPath('howdah.php')], 'howdah-config');
            $this->commands([DoctorCommand::class, WatchCommand::class]);
        }
    }
}
