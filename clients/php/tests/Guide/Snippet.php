<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Guide;

/**
 * One block of PHP of the guide, made into a script. The line `<!-- with: name -->` above a block names a file beside this
 * one that stands around it; the block goes where that says `// [snippet]`.
 */
final readonly class Snippet
{
    private const PLACE = '// [snippet]';

    private function __construct(public string $title, private string $code, private ?string $around)
    {
    }

    /** @return list<self> */
    public static function all(string $guide): array
    {
        preg_match_all('/^#+ (?<heading>[^\n]+)$|^(?:<!-- with: (?<around>[a-z-]+) -->\n)?```php\n(?<code>.*?)^```$/ms', $guide, $found, PREG_SET_ORDER | PREG_UNMATCHED_AS_NULL);
        $snippets = [];
        $heading = '';
        foreach ($found as $one) {
            if ($one['heading'] !== null) {
                $heading = $one['heading'];
            } else {
                $snippets[] = new self(count($snippets) + 1 . ", $heading", $one['code'], $one['around']);
            }
        }

        return $snippets;
    }

    /** @param array<string, string> $changes what the guide says => what it is here */
    public function script(array $changes): string
    {
        $code = preg_replace('#\A<\?php\nrequire \'vendor/autoload.php\';\n#', '', strtr($this->code, $changes));
        $around = $this->around === null ? self::PLACE : (string) file_get_contents(__DIR__ . "/$this->around.php");
        $imports = [];
        foreach ([$code, 'use Howdah\Client\Howdah;', $around] as $text) {
            preg_match_all('/^use [\w\\\\]+\\\\(\w+);$/m', $text, $found, PREG_SET_ORDER);
            foreach ($found as [$line, $name]) {
                $imports[$name] ??= $line;
            }
        }
        // Imports have to stand outside of what is around the rest of the block.
        [$code, $around] = preg_replace(['/^use [\w\\\\]+;$/m', '/\A<\?php\n+declare\(strict_types=1\);/'], '', [$code, $around]);
        $start = var_export(__DIR__ . '/start.php', true);

        return "<?php\n\ndeclare(strict_types=1);\n\n" . implode("\n", $imports) . "\n\nrequire $start;\n" . str_replace(self::PLACE, "\n$code", $around);
    }
}
