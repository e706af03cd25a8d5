<?php

// Loads the client, the generated contract and Debian's PHP packages without Composer:
// for the tests, the tools and the examples of a checkout.

declare(strict_types=1);

// Debian's google/protobuf 3.21 walks through maps by means of a property that PHP 8.2 calls deprecated.
error_reporting(error_reporting() & ~E_DEPRECATED);

spl_autoload_register(static function (string $class): void {
    $root = dirname(__DIR__, 3);
    $folders = [
        'Howdah\\Client\\Tests\\' => $root . '/clients/php/tests/',
        'Howdah\\Client\\' => $root . '/clients/php/src/',
        'Howdah\\' => $root . '/generated/php/src/Howdah/',
        'Google\\Protobuf\\' => '/usr/share/php/Google/Protobuf/',
        'GPBMetadata\\' => '/usr/share/php/GPBMetadata/',
        'Psr\\Log\\' => '/usr/share/php/Psr/Log/',
        'Psr\\SimpleCache\\' => '/usr/share/php/Psr/SimpleCache/',
    ];
    foreach ($folders as $prefix => $folder) {
        if (str_starts_with($class, $prefix)) {
            $file = $folder . strtr(substr($class, strlen($prefix)), '\\', '/') . '.php';
            if (is_file($file)) {
                require $file;
            }

            return;
        }
    }
});

require __DIR__ . '/../src/compatibility.php';
