<?php

declare(strict_types=1);

use Psr\Log\NullLogger;

$start = 'yesterday';
$log = new NullLogger();
$form = new class {
    /** @var list<string> */
    public array $wrong = [];

    public function addError(string $field, string $why): void
    {
        $this->wrong[] = $field;
    }
};
$cache = new ArrayObject();
// [snippet]

check($form->wrong === ['start_date'], 'the form shows what is wrong: ' . implode(', ', $form->wrong));
