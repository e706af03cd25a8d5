<?php

declare(strict_types=1);

require TESTS . '/frameworks.php';

final class Route
{
    /** @var array<string, Closure> */
    public static array $routes = [];

    public static function get(string $path, Closure $action): void
    {
        self::$routes[$path] = $action;
    }
}

function response(): object
{
    return new class {
        /** @param array<string, string> $headers */
        public function stream(Closure $body, int $status, array $headers): int
        {
            return $status;
        }
    };
}

$app = new \Howdah\Client\Tests\Standins\Application();
$app->bind(\Howdah\Client\Client::class, static fn (): \Howdah\Client\Client => $acme);
\Illuminate\Support\Facades\Facade::setFacadeApplication($app);
// [snippet]

file_put_contents('sales.csv', "number,date\n");
$id = $acme->files()->upload('sales.csv')->getFileId();
check(Route::$routes['/files/{id}']($id) === 200, 'the file is handed over');
check(Route::$routes['/kpis']($acme)->ok, 'the figures are there');
