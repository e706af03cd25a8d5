<?php

declare(strict_types=1);

namespace Howdah\Client\Files;

use Howdah\Client\Calls\Clock;
use Howdah\Client\Exception\DownloadCorrupted;
use Howdah\Client\Exception\Unavailable;
use Howdah\Files\V1\DownloadFileRequest;
use Howdah\Files\V1\File;
use Howdah\Files\V1\FilesServiceClient;

/**
 * The bytes of one file, in order. It goes on where a broken stream ended. The last piece is given when the whole has
 * been checked: who passes pieces on never passes on all of a wrong file.
 */
final class Content
{
    /** Times in a row that a stream may break without bringing a byte. */
    private const MAX_BREAKS = 4;

    private ?File $file = null;
    private int $received = 0;

    public function __construct(
        private readonly FilesServiceClient $stub,
        private readonly Clock $clock,
        private readonly string $fileId,
    ) {
    }

    /** What the node said of the file; it is there from the first piece on. */
    public function file(): ?File
    {
        return $this->file;
    }

    /**
     * @return \Generator<int, string> which throws DownloadCorrupted where the bytes are not those the node has
     */
    public function pieces(): \Generator
    {
        $hash = hash_init('sha256');
        $held = '';
        $breaks = 0;
        while (true) {
            $before = $this->received;
            try {
                foreach ($this->stream() as $data) {
                    hash_update($hash, $data);
                    $held === '' || yield $held;
                    $held = $data;
                }
                break;
            } catch (Unavailable $broken) {
                $breaks = $this->received > $before ? 0 : $breaks + 1;
                if ($breaks > self::MAX_BREAKS || $this->file === null) {
                    throw $broken;
                }
                $this->clock->sleep(0.2 * 2 ** $breaks);
            }
        }
        $this->check(hash_final($hash));
        yield $held;
    }

    /** @return \Generator<int, string> */
    private function stream(): \Generator
    {
        $request = (new DownloadFileRequest())->setFileId($this->fileId)->setOffset($this->received);
        foreach ($this->stub->DownloadFile($request)->messages() as $piece) {
            if ($piece->hasFile()) {
                $this->file = $piece->getFile();
            }
            $data = $piece->getData();
            $this->received += strlen($data);
            yield $data;
        }
    }

    private function check(string $sha256): void
    {
        if ($this->file === null || $this->received !== (int) $this->file->getSizeBytes() || $sha256 !== $this->file->getSha256()) {
            throw DownloadCorrupted::because(sprintf(
                'The file %s came with %d bytes and SHA-256 %s; the node has %d and %s.',
                $this->fileId,
                $this->received,
                $sha256,
                (int) $this->file?->getSizeBytes(),
                (string) $this->file?->getSha256(),
            ));
        }
    }
}
