<?php

declare(strict_types=1);

namespace Howdah\Client\Files;

use Howdah\Client\Exception\ConfigurationException;
use Howdah\Files\V1\File;

/** Writes one file to a path. */
final readonly class Download
{
    /** @param (\Closure(int, int): void)|null $onProgress */
    public function __construct(private Content $content, private ?\Closure $onProgress)
    {
    }

    /** The target appears when the file is whole and right. */
    public function to(string $targetPath): File
    {
        $partial = sprintf('%s.%s.part', $targetPath, bin2hex(random_bytes(4)));
        $target = @fopen($partial, 'xb');
        if ($target === false) {
            throw ConfigurationException::because("$partial cannot be written.");
        }
        try {
            $this->receive($target);
            fclose($target);
            if (!@rename($partial, $targetPath)) {
                throw ConfigurationException::because("$targetPath cannot be written.");
            }

            return $this->content->file();
        } finally {
            if (is_resource($target)) {
                fclose($target);
            }
            if (is_file($partial)) {
                unlink($partial);
            }
        }
    }

    /** @param resource $target */
    private function receive($target): void
    {
        $received = 0;
        foreach ($this->content->pieces() as $data) {
            if (fwrite($target, $data) !== strlen($data)) {
                throw ConfigurationException::because('The target cannot take more bytes; is the disk full?');
            }
            $received += strlen($data);
            $this->onProgress === null || ($this->onProgress)($received, (int) $this->content->file()?->getSizeBytes());
        }
    }
}
