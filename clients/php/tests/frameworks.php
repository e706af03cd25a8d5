<?php

// Loads Symfony and Laravel's components as Debian has them (tools/debian.sh test), for the tests of the glue.

declare(strict_types=1);

foreach ([
    'Symfony/Component/Config', 'Symfony/Component/DependencyInjection', 'Symfony/Component/HttpKernel', 'Symfony/Component/Console',
    'Illuminate/Config', 'Illuminate/Console', 'Illuminate/Container', 'Illuminate/Events', 'Illuminate/Support',
    'PhpOption', 'Dotenv',
] as $component) {
    require_once "/usr/share/php/$component/autoload.php";
}
