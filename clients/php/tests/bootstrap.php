<?php

declare(strict_types=1);

error_reporting(E_ALL);
require is_file(__DIR__ . '/../vendor/autoload.php') ? __DIR__ . '/../vendor/autoload.php' : __DIR__ . '/autoload.php';
