<?php

declare(strict_types=1);

$import1 = \Howdah\Client\Service\NewJob::of('documents.workbook', ['period' => 'last_day']);
$import2 = \Howdah\Client\Service\NewJob::of('documents.workbook', ['period' => 'last_week']);
// [snippet]
