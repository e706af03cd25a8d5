<?php

declare(strict_types=1);

// [snippet]

$acme->schedules()->delete('nightly-workbook');
