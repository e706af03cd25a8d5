<?php

declare(strict_types=1);

namespace Howdah\Client\Files;

use Howdah\Client\Exception\ConfigurationException;
use Howdah\Client\Exception\FailedPrecondition;
use Howdah\Files\V1\AppendUploadRequest;
use Howdah\Files\V1\CompleteUploadRequest;
use Howdah\Files\V1\CreateUploadRequest;
use Howdah\Files\V1\File;
use Howdah\Files\V1\FilesServiceClient;

/** Sends one file: create, append in pieces, complete. */
final class Upload
{
    private const CHUNK_BYTES = 1024 * 1024;

    /** Times in a row that the node may name another offset before it counts as a fault. */
    private const MAX_CORRECTIONS = 5;

    /** @var resource */
    private $source;
    private readonly int $size;

    /** @param (\Closure(int, int): void)|null $onProgress */
    public function __construct(
        private readonly FilesServiceClient $stub,
        private readonly string $path,
        private readonly ?\Closure $onProgress,
    ) {
        $source = is_file($path) ? @fopen($path, 'rb') : false;
        if ($source === false) {
            throw ConfigurationException::because("$path is no file that can be read.");
        }
        $this->source = $source;
        $this->size = (int) fstat($source)['size'];
    }

    public function __destruct()
    {
        if (isset($this->source)) {
            fclose($this->source);
        }
    }

    public function create(string $filename, string $mediaType): File
    {
        $request = (new CreateUploadRequest())->setFilename($filename)->setMediaType($mediaType);

        return $this->stub->CreateUpload($request)->answer()->getFile();
    }

    /** Sends what the node does not have yet, and ends the upload. */
    public function send(File $file): File
    {
        $offset = (int) $file->getSizeBytes();
        $corrections = 0;
        $this->report($offset);
        while ($offset < $this->size) {
            try {
                $offset = $this->append($file->getFileId(), $offset);
                $corrections = 0;
            } catch (FailedPrecondition $failed) {
                if ($failed->reason() !== 'UPLOAD_OFFSET_MISMATCH' || ++$corrections > self::MAX_CORRECTIONS) {
                    throw $failed;
                }
                $offset = (int) ($failed->metadata()['expected_offset'] ?? 0);
            }
            $this->report($offset);
        }

        return $this->stub->CompleteUpload((new CompleteUploadRequest())
            ->setFileId($file->getFileId())
            ->setSizeBytes($this->size)
            ->setSha256((string) hash_file('sha256', $this->path)))->answer()->getFile();
    }

    private function append(string $fileId, int $offset): int
    {
        fseek($this->source, $offset);
        $data = (string) fread($this->source, self::CHUNK_BYTES);
        if ($data === '') {
            throw ConfigurationException::because("{$this->path} became shorter while it was being sent.");
        }
        $request = (new AppendUploadRequest())->setFileId($fileId)->setOffset($offset)->setData($data);

        // The same bytes at the same offset change nothing the second time, so this may be tried again.
        return (int) $this->stub->AppendUpload($request, [], ['repeatable' => true])->answer()->getFile()->getSizeBytes();
    }

    private function report(int $offset): void
    {
        $this->onProgress === null || ($this->onProgress)($offset, $this->size);
    }
}
