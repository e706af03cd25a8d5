<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Standins;

/** Stands for Messenger's exception of the same name. */
final class UnrecoverableMessageHandlingException extends \RuntimeException
{
}
