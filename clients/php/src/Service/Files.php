<?php

declare(strict_types=1);

namespace Howdah\Client\Service;

use Howdah\Client\Calls\Clock;
use Howdah\Client\Client;
use Howdah\Client\Contract\Reason;
use Howdah\Client\Exception\FailedPrecondition;
use Howdah\Client\Exception\HowdahException;
use Howdah\Client\Failure\Failure;
use Howdah\Client\Files\Content;
use Howdah\Client\Files\Download;
use Howdah\Client\Files\FileResponse;
use Howdah\Client\Files\Upload;
use Howdah\Files\V1\DeleteFileRequest;
use Howdah\Files\V1\File;
use Howdah\Files\V1\FilesServiceClient;
use Howdah\Files\V1\FileState;
use Howdah\Files\V1\GetFileRequest;

/** The tenant's files. Every method throws a HowdahException where it fails. */
final readonly class Files
{
    private FilesServiceClient $stub;

    public function __construct(private Client $client, private Clock $clock)
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
        return (new Download($this->content($fileId), $onProgress))->to($targetPath);
    }

    /**
     * The answer that hands a file to a browser: `$acme->files()->respond($job->getFileId())->send()`. With
     * `withAccelLocation()` nginx sends the file from its disk, else it is streamed through PHP.
     *
     * @param File|string $file     the file, or its id
     * @param string      $filename what the browser calls it; the file's own name where empty
     * @param bool        $inline   shown in the browser, instead of stored: only for what cannot carry a script
     *
     * @throws HowdahException
     */
    public function respond(File|string $file, string $filename = '', bool $inline = false): FileResponse
    {
        $file = is_string($file) ? $this->get($file) : $file;
        if ($file->getState() !== FileState::FILE_STATE_READY) {
            $reason = Reason::FileNotReady;
            throw new FailedPrecondition(new Failure($reason->code(), $reason->text(), $reason->value));
        }
        $options = $this->client->options();

        return $options->accelLocation === null
            ? FileResponse::byStream($file, $this->content($file->getFileId())->pieces(...), $filename, $inline)
            : FileResponse::byAccelRedirect($file, $options->accelLocation, $options->tenant, $filename, $inline);
    }

    public function delete(string $fileId, string $idempotencyKey = ''): void
    {
        $this->stub->DeleteFile((new DeleteFileRequest())->setFileId($fileId)->setIdempotencyKey($idempotencyKey))->answer();
    }

    private function content(string $fileId): Content
    {
        return new Content($this->stub, $this->clock, $fileId);
    }
}
