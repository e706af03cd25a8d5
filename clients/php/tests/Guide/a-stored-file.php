<?php

declare(strict_types=1);

use Howdah\Jobs\V1\Job;
use Symfony\Component\HttpFoundation\StreamedResponse;

require TESTS . '/frameworks.php';
file_put_contents('sales.csv', "number,date\n");
$fileId = $acme->files()->upload('sales.csv', mediaType: 'text/csv')->getFileId();
$job = (new Job())->setFileId($fileId);
ob_start();
$answer = (static function () use ($acme, $fileId, $job): mixed {
    // [snippet]
    return null;
})();
check($answer === null || $answer->getStatusCode() === 200, 'the browser gets it');
