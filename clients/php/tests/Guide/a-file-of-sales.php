<?php

declare(strict_types=1);

file_put_contents('sales.csv', "number,date\n1,2021-01-01\n");
// [snippet]

check(file_get_contents('sales.csv') === "number,date\n1,2021-01-01\n", 'what comes down is what went up');
