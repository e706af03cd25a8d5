<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Node;

use Howdah\Client\Exception\FailedPrecondition;
use Howdah\Client\Exception\NotFound;
use Howdah\Client\Files\Upload;
use Howdah\Files\V1\AppendUploadRequest;
use Howdah\Files\V1\CreateUploadRequest;
use Howdah\Files\V1\FilesServiceClient;
use Howdah\Files\V1\FileState;

final class FilesTest extends NodeTestCase
{
    public function test_a_file_comes_back_as_it_was_sent(): void
    {
        $files = self::client()->files();
        $content = random_bytes(3 * 1024 * 1024 + 17);
        $seen = [];
        $file = $files->upload(self::temporaryFile($content), 'zażółć.bin', onProgress: static function (int $done, int $total) use (&$seen): void {
            $seen[] = [$done, $total];
        });

        self::assertSame(FileState::FILE_STATE_READY, $file->getState());
        self::assertSame(hash('sha256', $content), $file->getSha256());
        self::assertSame([0, 1_048_576, 2_097_152, 3_145_728, 3_145_745], array_column($seen, 0));

        $target = self::temporaryFile('old');
        $last = 0;
        $files->download($file->getFileId(), $target, static function (int $done, int $total) use (&$last): void {
            $last = $done;
        });
        self::assertSame(hash('sha256', $content), hash_file('sha256', $target));
        self::assertSame(strlen($content), $last);
        self::assertSame([], glob("$target.*.part"));

        $files->delete($file->getFileId());
        $this->expectException(NotFound::class);
        $files->download($file->getFileId(), $target);
    }

    public function test_an_upload_that_was_broken_off_is_resumed(): void
    {
        $client = self::client();
        $content = random_bytes(1_500_000);
        $stub = $client->stub(FilesServiceClient::class);
        $begun = $stub->CreateUpload((new CreateUploadRequest())->setFilename('half.bin'))->answer()->getFile();
        $stub->AppendUpload((new AppendUploadRequest())->setFileId($begun->getFileId())->setData(substr($content, 0, 700_000)))->answer();
        $offsets = [];
        $file = $client->files()->upload(
            self::temporaryFile($content),
            onProgress: static function (int $done) use (&$offsets): void {
                $offsets[] = $done;
            },
            resume: $begun->getFileId(),
        );

        self::assertSame(700_000, $offsets[0]);
        self::assertSame(hash('sha256', $content), $file->getSha256());
    }

    public function test_a_node_that_has_less_than_was_thought_names_the_offset_to_go_on_from(): void
    {
        $client = self::client();
        $stub = $client->stub(FilesServiceClient::class);
        $begun = $stub->CreateUpload((new CreateUploadRequest())->setFilename('gap.bin'))->answer()->getFile();
        try {
            $stub->AppendUpload((new AppendUploadRequest())->setFileId($begun->getFileId())->setOffset(100)->setData('x'))->answer();
            self::fail('accepted');
        } catch (FailedPrecondition $refused) {
            self::assertSame('UPLOAD_OFFSET_MISMATCH', $refused->reason());
            self::assertSame('0', $refused->metadata()['expected_offset']);
        }
        // The uploader believes that 1,000 bytes are there; the node puts it right.
        $content = random_bytes(5000);
        $file = (new Upload($stub, self::temporaryFile($content), null))->send($begun->setSizeBytes(1000));
        self::assertSame(hash('sha256', $content), $file->getSha256());
    }
}
