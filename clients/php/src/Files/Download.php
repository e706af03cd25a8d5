<?php

declare(strict_types=1);

namespace Howdah\Client\Files;

use Howdah\Client\Calls\Clock;
use Howdah\Client\Exception\ConfigurationException;
use Howdah\Client\Exception\DownloadCorrupted;
use Howdah\Client\Exception\Unavailable;
use Howdah\Files\V1\DownloadFileRequest;
use Howdah\Files\V1\File;
use Howdah\Files\V1\FilesServiceClient;

/** Fetches one file, going on where a broken stream ended. */
final class Download
{
    /** Times in a row that a stream may break without bringing a byte. */
    private const MAX_BREAKS = 4;

    private ?File $file = null;
    private int $received = 0;
    private \HashContext $hash;

    /** @param (\Closure(int, int): void)|null $onProgress */
    public function __construct(
        private readonly FilesServiceClient $stub,
        private readonly Clock $clock,
        private readonly ?\Closure $onProgress,
    ) {
        $this->hash = hash_init('sha256');
    }

    public function fetch(string $fileId, string $targetPath): File
    {
        $partial = sprintf('%s.%s.part', $targetPath, bin2hex(random_bytes(4)));
        $target = @fopen($partial, 'xb');
        if ($target === false) {
            throw ConfigurationException::because("$partial cannot be written.");
        }
        try {
            $this->receive($fileId, $target);
            fclose($target);
            $file = $this->checked($fileId);
            if (!@rename($partial, $targetPath)) {
                throw ConfigurationException::because("$targetPath cannot be written.");
            }

            return $file;
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
    private function receive(string $fileId, $target): void
    {
        $breaks = 0;
        while (true) {
            $before = $this->received;
            try {
                $this->stream($fileId, $target);

                return;
            } catch (Unavailable $broken) {
                $breaks = $this->received > $before ? 0 : $breaks + 1;
                if ($breaks > self::MAX_BREAKS || $this->file === null) {
                    throw $broken;
                }
                $this->clock->sleep(0.2 * 2 ** $breaks);
            }
        }
    }

    /** @param resource $target */
    private function stream(string $fileId, $target): void
    {
        $request = (new DownloadFileRequest())->setFileId($fileId)->setOffset($this->received);
        foreach ($this->stub->DownloadFile($request)->messages() as $piece) {
            if ($piece->hasFile()) {
                $this->file = $piece->getFile();
            }
            $data = $piece->getData();
            if (fwrite($target, $data) !== strlen($data)) {
                throw ConfigurationException::because('The target cannot take more bytes; is the disk full?');
            }
            hash_update($this->hash, $data);
            $this->received += strlen($data);
            $this->onProgress === null || ($this->onProgress)($this->received, (int) $this->file?->getSizeBytes());
        }
    }

    private function checked(string $fileId): File
    {
        $sha256 = hash_final($this->hash);
        if ($this->file === null || $this->received !== (int) $this->file->getSizeBytes() || $sha256 !== $this->file->getSha256()) {
            throw DownloadCorrupted::because(sprintf(
                'The file %s came with %d bytes and SHA-256 %s; the node has %d and %s.',
                $fileId,
                $this->received,
                $sha256,
                (int) $this->file?->getSizeBytes(),
                (string) $this->file?->getSha256(),
            ));
        }

        return $this->file;
    }
}
