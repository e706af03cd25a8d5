<?php

declare(strict_types=1);

namespace Howdah\Client\Symfony;

use Symfony\Component\DependencyInjection\Extension\ExtensionInterface;
use Symfony\Component\HttpKernel\Bundle\Bundle;

/** Gives a Symfony application its client and its command: `Howdah\Client\Symfony\HowdahBundle::class => ['all' => true]`. */
final class HowdahBundle extends Bundle
{
    public function getContainerExtension(): ?ExtensionInterface
    {
        return new HowdahExtension();
    }
}
