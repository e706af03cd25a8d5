<?php

declare(strict_types=1);

require TESTS . '/frameworks.php';
class_alias(\Howdah\Client\Tests\Standins\InteractsWithQueue::class, 'Illuminate\Queue\InteractsWithQueue');
// Declared only now: the trait has to be there first.
if (true) {
    // [snippet]
}

$tenant = (string) $acme->options()->tenant;
$job = new MakeWorkbook($tenant, "workbook-of-$orderId");
$job->handle($acme);
check($job->releasedFor === null && $job->failedWith === null, 'the workbook is begun');

$down = (new \Howdah\Client\Testing\HowdahFake())->fail('StartWorkbook', \Howdah\Client\Contract\Reason::NodeDraining, 7000);
$job->handle($down->client());
check($job->releasedFor === 7 && $job->failedWith === null, 'it comes back later');

$wrong = (new \Howdah\Client\Testing\HowdahFake())->fail('StartWorkbook', \Howdah\Client\Contract\Reason::FieldsInvalid);
$job->handle($wrong->client());
check($job->failedWith !== null, 'it is given up');
