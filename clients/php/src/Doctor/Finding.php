<?php

declare(strict_types=1);

namespace Howdah\Client\Doctor;

/** What one check found, and where it is not well, what to do. */
final readonly class Finding
{
    private function __construct(public string $verdict, public string $about, public string $text, public string $advice = '')
    {
    }

    public static function good(string $about, string $text): self
    {
        return new self('ok', $about, $text);
    }

    /** It works, and could be better. */
    public static function warning(string $about, string $text, string $advice): self
    {
        return new self('warn', $about, $text, $advice);
    }

    /** Calls cannot work like this. */
    public static function bad(string $about, string $text, string $advice): self
    {
        return new self('FAIL', $about, $text, $advice);
    }

    public function isBad(): bool
    {
        return $this->verdict === 'FAIL';
    }

    public function __toString(): string
    {
        return sprintf('%-5s %-10s %s', $this->verdict, $this->about, $this->text) . ($this->advice === '' ? '' : "\n" . str_repeat(' ', 17) . '→ ' . $this->advice);
    }
}
