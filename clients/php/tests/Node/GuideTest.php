<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Node;

use Howdah\Client\Tests\Guide\Snippet;

/** Runs every block of PHP of docs/php.md, each in a process of its own. */
final class GuideTest extends NodeTestCase
{
    private string $folder;

    protected function setUp(): void
    {
        $this->folder = sys_get_temp_dir() . '/' . uniqid('howdah-guide-');
        mkdir($this->folder);
    }

    protected function tearDown(): void
    {
        array_map('unlink', glob("$this->folder/*"));
        rmdir($this->folder);
    }

    /** @return iterable<string, array{Snippet}> */
    public static function snippets(): iterable
    {
        foreach (Snippet::all((string) file_get_contents(dirname(__DIR__, 4) . '/docs/php.md')) as $snippet) {
            yield $snippet->title => [$snippet];
        }
    }

    /** @dataProvider snippets */
    public function test_a_block_of_the_guide_works(Snippet $snippet): void
    {
        [$exit, $output] = $this->outcome($snippet);

        self::assertSame(0, $exit, $output);
    }

    public function test_a_block_that_names_what_is_not_there_is_noticed(): void
    {
        [$snippet] = Snippet::all("# Wrong\n\n```php\necho \$nobody;\n```\n");
        [$exit, $output] = $this->outcome($snippet);

        self::assertSame(255, $exit);
        self::assertStringContainsString('Undefined variable $nobody', $output);
    }

    /** @return array{int, string} exit code and output */
    private function outcome(Snippet $snippet): array
    {
        self::client();
        $tenant = (string) getenv('HOWDAH_TENANT');
        file_put_contents("$this->folder/snippet.php", $snippet->script([
            '127.0.0.1:50051' => (string) getenv('HOWDAH_ADDRESS'),
            'acme-b65a88e056aa' => (string) getenv('HOWDAH_KEY_ID'),
            '5c9b7d63…' => (string) getenv('HOWDAH_SECRET'),
            "'acme'" => "'$tenant'",
            'tenant=acme' => "tenant=$tenant",
            '/srv/reports/' => "$this->folder/",
            '/tmp/' => "$this->folder/",
        ]));
        exec('cd ' . escapeshellarg($this->folder) . ' && ' . escapeshellarg(PHP_BINARY) . ' -d display_errors=stderr snippet.php 2>&1', $output, $exit);

        return [$exit, implode("\n", $output)];
    }

    public function test_the_guide_has_blocks_and_each_surrounding_is_used(): void
    {
        $guide = (string) file_get_contents(dirname(__DIR__, 4) . '/docs/php.md');
        self::assertCount(substr_count($guide, "\n```php\n"), Snippet::all($guide));
        foreach (glob(dirname(__DIR__) . '/Guide/[a-z]*.php') as $file) {
            $name = basename($file, '.php');
            $name === 'start' || self::assertStringContainsString("<!-- with: $name -->", $guide);
        }
    }
}
