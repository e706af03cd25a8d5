<?php

declare(strict_types=1);

require TESTS . '/frameworks.php';
// [snippet]

file_put_contents('sales.csv', "number,date\n");
$answer = (new Files($acme))->show($acme->files()->upload('sales.csv')->getFileId());
check($answer->getStatusCode() === 200, 'the file is handed over');
