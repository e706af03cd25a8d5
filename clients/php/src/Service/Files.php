<?php

declare(strict_types=1);

namespace Howdah\Client\Service;

use Howdah\Client\Calls\Clock;
use Howdah\Client\Client;
use Howdah\Client\Exception\HowdahException;
use Howdah\Client\Files\Download;
use Howdah\Client\Files\Upload;
use Howdah\Files\V1\DeleteFileRequest;
use Howdah\Files\V1\File;
use Howdah\Files\V1\FilesServiceClient;
use Howdah\Files\V1\GetFileRequest;

/** The tenant's files. Every method throws a HowdahException where it fails. */
final readonly class Files
{
    private FilesServiceClient $stub;

    public function __construct(Client $client, private Clock $clock)
    {
        $this->stub = $client->stub(FilesServiceClient::class, awaited: true);
    }

    public function get(string $fileId): File
    {
        return $this->stub->GetFile((new GetFileRequest())->setFileId($fileId))->answer()->getFile();
    }

    /**
     * Sends a file in pieces of 1 MiB and has the node check it.
     *
     * @param string|null                     $filename   name for people; that of the path where null
     * @param string                          $mediaType  such as `text/csv`
     * @param (\Closure(int, int): void)|null $onProgress called with bytes sent and bytes in all
     * @param string|null                     $resume     id of an upload of the same file that was broken off
     *
     * @throws HowdahException
     */
    public function upload(
        string $path,
        ?string $filename = null,
        string $mediaType = '',
        ?\Closure $onProgress = null,
        ?string $resume = null,
    ): File {
        $upload = new Upload($this->stub, $path, $onProgress);
        $from = $resume === null ? $upload->create($filename ?? basename($path), $mediaType) : $this->get($resume);

        return $upload->send($from);
    }

    /**
     * Writes a file to a path. The target appears only when it is whole and its SHA-256 is right.
     *
     * @param (\Closure(int, int): void)|null $onProgress called with bytes received and bytes in all
     *
     * @throws HowdahException
     */
    public function download(string $fileId, string $targetPath, ?\Closure $onProgress = null): File
    {
        return (new Download($this->stub, $this->clock, $onProgress))->fetch($fileId, $targetPath);
    }

    public function delete(string $fileId, string $idempotencyKey = ''): void
    {
        $this->stub->DeleteFile((new DeleteFileRequest())->setFileId($fileId)->setIdempotencyKey($idempotencyKey))->answer();
    }
}
