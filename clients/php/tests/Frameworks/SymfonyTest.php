<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Frameworks;

use Howdah\Client\Client;
use Howdah\Client\Symfony\DoctorCommand;
use Howdah\Client\Symfony\HowdahBundle;
use PHPUnit\Framework\TestCase;
use Symfony\Component\Config\Definition\Exception\InvalidConfigurationException;
use Symfony\Component\Console\Tester\CommandTester;
use Symfony\Component\DependencyInjection\ContainerBuilder;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\RequestStack;

require_once __DIR__ . '/../frameworks.php';

/** Wants the client by its type, as a controller does. */
final class Page
{
    public function __construct(public readonly Client $howdah)
    {
    }
}

final class SymfonyTest extends TestCase
{
    private const ID = '4ba193f8-c1fd-4c98-bf49-d9c99beaef8d';

    /** @param array<string, mixed> $settings */
    private static function container(array $settings): ContainerBuilder
    {
        $container = new ContainerBuilder();
        $extension = (new HowdahBundle())->getContainerExtension();
        self::assertSame('howdah', $extension->getAlias());
        $container->registerExtension($extension);
        $container->loadFromExtension('howdah', $settings);
        $container->register('request_stack', RequestStack::class)->setPublic(true);
        $container->register(Page::class)->setAutowired(true)->setPublic(true)->setShared(false);
        $container->getDefinition('request_stack');
        $container->addCompilerPass(new class implements \Symfony\Component\DependencyInjection\Compiler\CompilerPassInterface {
            public function process(ContainerBuilder $container): void
            {
                $container->getDefinition(DoctorCommand::class)->setPublic(true);
            }
        });
        $container->compile(true);

        return $container;
    }

    public function test_a_controller_gets_the_client_by_its_type(): void
    {
        $container = self::container(['address' => '127.0.0.1:1', 'key_id' => 'k-1', 'secret' => str_repeat('ab', 32), 'tenant' => 'acme', 'timeout' => '1.5']);

        $options = $container->get(Page::class)->howdah->options();
        self::assertSame(['acme', 1.5], [$options->tenant, $options->timeout]);
    }

    public function test_its_calls_are_joined_to_the_request(): void
    {
        $container = self::container(['address' => '127.0.0.1:1', 'token' => 'a.b.c']);
        self::assertNull($container->get(Page::class)->howdah->options()->correlationId);

        $container->get('request_stack')->push(Request::create('/', server: ['HTTP_X_CORRELATION_ID' => self::ID]));
        self::assertSame(self::ID, $container->get(Page::class)->howdah->options()->correlationId);
    }

    public function test_the_environment_can_stand_for_a_setting(): void
    {
        putenv('HOWDAH_TEST_ADDRESS=127.0.0.1:7');
        try {
            $container = self::container(['address' => '%env(HOWDAH_TEST_ADDRESS)%', 'token' => 'a.b.c']);
            self::assertInstanceOf(Client::class, $container->get(Page::class)->howdah);
        } finally {
            putenv('HOWDAH_TEST_ADDRESS');
        }
    }

    public function test_a_setting_that_there_is_not_is_refused(): void
    {
        $this->expectException(InvalidConfigurationException::class);
        $this->expectExceptionMessage('adress');
        self::container(['adress' => '127.0.0.1:1']);
    }

    public function test_the_doctor_is_a_command(): void
    {
        $container = self::container([]);
        self::assertSame([['command' => 'howdah:doctor']], $container->getDefinition(DoctorCommand::class)->getTag('console.command'));
        $tester = new CommandTester($container->get(DoctorCommand::class));

        self::assertSame(1, $tester->execute([]));
        self::assertStringContainsString('FAIL  settings   Set dsn, or address, key_id and secret.', $tester->getDisplay());
        self::assertStringContainsString('config/packages/howdah.yaml', $tester->getDisplay());
    }
}
