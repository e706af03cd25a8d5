<?php

declare(strict_types=1);

class_alias(\Howdah\Client\Tests\Standins\UnrecoverableMessageHandlingException::class, 'Symfony\Component\Messenger\Exception\UnrecoverableMessageHandlingException');

final class MakeWorkbook
{
    public function __construct(public string $tenant, public string $key)
    {
    }
}
// [snippet]

$asked = new MakeWorkbook((string) $acme->options()->tenant, "workbook-of-$orderId");
(new MakeWorkbookHandler($acme))($asked);
foreach (['NodeDraining' => \Howdah\Client\Exception\Unavailable::class, 'FieldsInvalid' => \Howdah\Client\Tests\Standins\UnrecoverableMessageHandlingException::class] as $reason => $class) {
    $fake = (new \Howdah\Client\Testing\HowdahFake())->fail('StartWorkbook', constant(\Howdah\Client\Contract\Reason::class . "::$reason"));
    try {
        (new MakeWorkbookHandler($fake->client()))($asked);
        check(false, 'it throws');
    } catch (\Howdah\Client\Exception\HowdahException | \Howdah\Client\Tests\Standins\UnrecoverableMessageHandlingException $thrown) {
        check($thrown instanceof $class, $thrown::class . " for $reason");
    }
}
