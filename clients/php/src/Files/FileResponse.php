<?php

declare(strict_types=1);

namespace Howdah\Client\Files;

use Howdah\Client\Exception\ConfigurationException;
use Howdah\Files\V1\File;

/** The answer that hands a file to a browser: status, headers, and a body where nginx does not send it. */
final readonly class FileResponse
{
    /** What a node calls its files. Nothing else is asked of nginx, whoever made the message. */
    private const PATH = '#\Atenant_([a-z0-9][a-z0-9_-]{0,62})/[a-z][a-z0-9-]{0,39}/\d{4}/\d{2}/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[a-z0-9]{1,10}\z#';

    private const MEDIA_TYPE = '#\A[a-z0-9!\#$&^_.+-]{1,60}/[a-z0-9!\#$&^_.+-]{1,60}\z#';

    /**
     * @param array<string, string>               $headers
     * @param (\Closure(): iterable<string>)|null $pieces null where the body is nginx's
     */
    private function __construct(public int $status, public array $headers, private ?\Closure $pieces)
    {
    }

    /**
     * Has nginx send the file from its disk; it also answers to `Range` and `If-None-Match`.
     *
     * @param string      $location an `internal` location whose alias is the node's directory of files
     * @param string|null $tenant   whose file it has to be; null for anybody's
     *
     * @throws ConfigurationException where the path is not that of such a file
     */
    public static function byAccelRedirect(File $file, string $location, ?string $tenant, string $filename = '', bool $inline = false): self
    {
        if (preg_match(self::PATH, $file->getPath(), $found) !== 1) {
            throw ConfigurationException::because("The file {$file->getFileId()} names no path that a node gives; is it complete?");
        }
        if ($tenant !== null && $found[1] !== $tenant) {
            throw ConfigurationException::because("The file {$file->getFileId()} is not of the tenant $tenant.");
        }

        return new self(200, self::headers($file, $filename, $inline) + [
            'X-Accel-Redirect' => '/' . trim($location, '/') . '/' . $file->getPath(),
        ], null);
    }

    /** @param \Closure(): iterable<string> $pieces the content, which passes through this process */
    public static function byStream(File $file, \Closure $pieces, string $filename = '', bool $inline = false): self
    {
        return new self(200, self::headers($file, $filename, $inline) + [
            'Content-Length' => (string) $file->getSizeBytes(),
            'Accept-Ranges' => 'none',
            // nginx would otherwise take the whole of it in before the browser gets more.
            'X-Accel-Buffering' => 'no',
        ], $pieces);
    }

    /** Sends status, headers and body. Nothing may have been sent before. */
    public function send(): void
    {
        http_response_code($this->status);
        foreach ($this->headers as $name => $value) {
            header("$name: $value");
        }
        if (($_SERVER['REQUEST_METHOD'] ?? 'GET') === 'HEAD') {
            return;
        }
        // A large file must not gather in memory.
        while (ob_get_level() > 0) {
            ob_end_flush();
        }
        $this->sendBody();
    }

    /** Sends the body alone, for a framework that sends the headers: `new StreamedResponse($file->sendBody(...), 200, $file->headers)`. */
    public function sendBody(): void
    {
        foreach ($this->body() as $piece) {
            echo $piece;
            flush();
        }
    }

    /** @return iterable<string> nothing where nginx sends it */
    public function body(): iterable
    {
        return $this->pieces === null ? [] : ($this->pieces)();
    }

    /** @return array<string, string> */
    private static function headers(File $file, string $filename, bool $inline): array
    {
        $type = $file->getMediaType();

        return [
            'Content-Type' => preg_match(self::MEDIA_TYPE, $type) === 1 ? $type : 'application/octet-stream',
            'Content-Disposition' => ContentDisposition::of($filename !== '' ? $filename : $file->getFilename(), $inline),
            // A tenant's file: no cache that others share, and this one asks each time.
            'Cache-Control' => 'private, no-cache',
            // A browser must not take an upload for a page, whatever its bytes look like.
            'X-Content-Type-Options' => 'nosniff',
        ];
    }
}
