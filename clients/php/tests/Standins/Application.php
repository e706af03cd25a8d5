<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Standins;

use Illuminate\Container\Container;

/** As much of Illuminate\Foundation\Application, which Debian does not have, as a service provider asks for. */
final class Application extends Container
{
    public function runningInConsole(): bool
    {
        return true;
    }

    public function configPath(string $path): string
    {
        return '/srv/app/config/' . $path;
    }

    public function environment(): string
    {
        return 'testing';
    }

    public function runningUnitTests(): bool
    {
        return true;
    }
}
