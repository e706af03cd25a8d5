<?php

declare(strict_types=1);

namespace Howdah\Client\Symfony;

use Howdah\Client\Client;
use Howdah\Client\Howdah;
use Psr\Log\LoggerInterface;
use Symfony\Component\DependencyInjection\ContainerBuilder;
use Symfony\Component\DependencyInjection\ContainerInterface;
use Symfony\Component\DependencyInjection\Extension\Extension;
use Symfony\Component\DependencyInjection\Reference;

/** Registers the client for autowiring, and the command `howdah:doctor`. */
final class HowdahExtension extends Extension
{
    /** Has the connection; its calls have a correlation id of their own. */
    private const CONNECTED = 'howdah.connected';

    /** @param array<array<string, mixed>> $configs */
    public function load(array $configs, ContainerBuilder $container): void
    {
        $settings = $this->processConfiguration(new Configuration(), $configs);
        $container->register(self::CONNECTED, Client::class)
            ->setFactory([Howdah::class, 'fromSettings'])
            ->setArguments([$settings, self::where(LoggerInterface::class)])
            ->addTag('monolog.logger', ['channel' => 'howdah']);
        // Made for each who asks: correlation id and trace are those of the request that is being answered.
        $container->register(Client::class, Client::class)
            ->setFactory([CurrentClient::class, 'of'])
            ->setArguments([new Reference(self::CONNECTED), self::where('request_stack')])
            ->setShared(false);
        $container->register(DoctorCommand::class, DoctorCommand::class)
            ->setArguments([$settings])
            ->addTag('console.command', ['command' => DoctorCommand::NAME]);
    }

    private static function where(string $service): Reference
    {
        return new Reference($service, ContainerInterface::NULL_ON_INVALID_REFERENCE);
    }
}
