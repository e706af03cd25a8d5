<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Unit;

use Howdah\Client\Contract\Reason;
use Howdah\Client\Exception\ConfigurationException;
use Howdah\Client\Exception\DownloadCorrupted;
use Howdah\Client\Exception\FailedPrecondition;
use Howdah\Client\Exception\NotFound;
use Howdah\Client\Files\ContentDisposition;
use Howdah\Client\Files\FileResponse;
use Howdah\Client\Testing\HowdahFake;
use Howdah\Files\V1\DownloadFileResponse;
use Howdah\Files\V1\File;
use Howdah\Files\V1\FileState;
use Howdah\Files\V1\GetFileResponse;
use PHPUnit\Framework\TestCase;

final class FileResponseTest extends TestCase
{
    private const ID = '0198aaaa-bbbb-7ccc-8ddd-eeeeffff0000';
    private const PATH = 'tenant_acme/workbook/2026/11/' . self::ID . '.xlsx';

    private static function file(string $path = self::PATH): File
    {
        return (new File())->setFileId(self::ID)->setState(FileState::FILE_STATE_READY)->setFilename('Umsätze.xlsx')
            ->setMediaType('application/vnd.ms-excel')->setPath($path)->setSizeBytes(11)->setSha256(hash('sha256', 'hello world'));
    }

    private static function howdah(File $file): HowdahFake
    {
        return (new HowdahFake())->answer('GetFile', (new GetFileResponse())->setFile($file));
    }

    /** @return iterable<string, array{string, string}> */
    public static function names(): iterable
    {
        yield 'plain' => ['sales 2026.xlsx', 'attachment; filename="sales 2026.xlsx"'];
        yield 'umlauts' => ['Umsätze.xlsx', "attachment; filename=\"Ums_tze.xlsx\"; filename*=UTF-8''Ums%C3%A4tze.xlsx"];
        yield 'no Latin' => ['売上.csv', "attachment; filename=\"__.csv\"; filename*=UTF-8''%E5%A3%B2%E4%B8%8A.csv"];
        yield 'quotes' => ['a"b.csv', "attachment; filename=\"a_b.csv\"; filename*=UTF-8''a%22b.csv"];
        yield 'a percent sign' => ['5%20.csv', "attachment; filename=\"5_20.csv\"; filename*=UTF-8''5%2520.csv"];
        yield 'a path' => ['../../etc\\passwd', 'attachment; filename=".._.._etc_passwd"'];
        yield 'a header of its own' => ["a\r\nSet-Cookie: x=1.csv", 'attachment; filename="aSet-Cookie: x=1.csv"'];
        yield 'turned text' => ["report\u{202E}xslx.exe", 'attachment; filename="reportxslx.exe"'];
        yield 'not UTF-8' => ["Ums\xE4tze.csv", 'attachment; filename="Ums_tze.csv"'];
        yield 'nothing' => ['', 'attachment; filename="download"'];
        yield 'dots' => ['..', 'attachment; filename="download"'];
    }

    /** @dataProvider names */
    public function test_a_name_reaches_the_browser_and_can_do_no_harm(string $name, string $header): void
    {
        self::assertSame($header, ContentDisposition::of($name));
    }

    public function test_nginx_is_told_the_path_below_its_location(): void
    {
        $client = self::howdah(self::file())->client('acme')->withAccelLocation('/howdah-files/');
        $answer = $client->files()->respond(self::ID);

        self::assertSame(200, $answer->status);
        self::assertSame('/howdah-files/' . self::PATH, $answer->headers['X-Accel-Redirect']);
        self::assertSame('application/vnd.ms-excel', $answer->headers['Content-Type']);
        self::assertStringContainsString("filename*=UTF-8''Ums%C3%A4tze.xlsx", $answer->headers['Content-Disposition']);
        self::assertArrayNotHasKey('Content-Length', $answer->headers);
        self::assertSame([], $answer->body());
    }

    /** @return iterable<string, array{string}> */
    public static function foreignPaths(): iterable
    {
        yield 'none' => [''];
        yield 'upwards' => ['tenant_acme/../../secrets.key'];
        yield 'absolute' => ['/etc/passwd'];
        yield 'encoded' => ['tenant_acme/workbook/2026/11/%2e%2e/secrets.key'];
        yield 'a header of its own' => [self::PATH . "\r\nX-Other: 1"];
        yield 'a line more' => [self::PATH . "\n"];
        yield 'another tenant' => [str_replace('acme', 'globex', self::PATH)];
    }

    /** @dataProvider foreignPaths */
    public function test_no_other_path_is_ever_asked_of_nginx(string $path): void
    {
        $client = (new HowdahFake())->client('acme')->withAccelLocation('/howdah-files');

        $this->expectException(ConfigurationException::class);
        $client->files()->respond(self::file($path));
    }

    public function test_a_location_is_a_plain_path(): void
    {
        $this->expectException(ConfigurationException::class);
        (new HowdahFake())->client()->withAccelLocation("/files/\r\nX: 1");
    }

    public function test_without_nginx_the_bytes_pass_through(): void
    {
        $howdah = self::howdah(self::file())->stream('DownloadFile', [
            (new DownloadFileResponse())->setFile(self::file())->setData('hello '),
            (new DownloadFileResponse())->setData('world'),
        ]);
        $answer = $howdah->client('acme')->files()->respond(self::ID, 'report.xlsx', inline: true);

        self::assertSame('11', $answer->headers['Content-Length']);
        self::assertSame('inline; filename="report.xlsx"', $answer->headers['Content-Disposition']);
        self::assertArrayNotHasKey('X-Accel-Redirect', $answer->headers);
        self::assertSame('hello world', implode('', [...$answer->body()]));
    }

    public function test_a_framework_can_take_in_the_body(): void
    {
        $howdah = self::howdah(self::file())->stream('DownloadFile', [(new DownloadFileResponse())->setFile(self::file())->setData('hello world')]);
        $answer = $howdah->client('acme')->files()->respond(self::ID);
        ob_start();
        $answer->sendBody();

        self::assertSame('hello world', ob_get_clean());
    }

    public function test_a_wrong_file_is_never_passed_on_whole(): void
    {
        $howdah = self::howdah(self::file())->stream('DownloadFile', [
            (new DownloadFileResponse())->setFile(self::file())->setData('hello '),
            (new DownloadFileResponse())->setData('w0rld'),
        ]);
        $passed = '';
        try {
            foreach ($howdah->client('acme')->files()->respond(self::ID)->body() as $piece) {
                $passed .= $piece;
            }
            self::fail('not noticed');
        } catch (DownloadCorrupted) {
            self::assertSame('hello ', $passed);
        }
    }

    public function test_an_upload_that_is_not_complete_is_not_handed_over(): void
    {
        $unfinished = self::file('')->setState(FileState::FILE_STATE_UPLOADING);
        foreach ([null, '/howdah-files/'] as $location) {
            try {
                self::howdah($unfinished)->client('acme')->withAccelLocation($location)->files()->respond(self::ID);
                self::fail('handed over');
            } catch (FailedPrecondition $refused) {
                self::assertSame('FILE_NOT_READY', $refused->reason());
            }
        }
    }

    public function test_a_file_of_nobody_is_not_found_before_anything_is_sent(): void
    {
        $this->expectException(NotFound::class);
        (new HowdahFake())->fail('GetFile', Reason::ResourceNotFound)->client()->files()->respond(self::ID);
    }

    public function test_a_media_type_that_is_none_is_bytes(): void
    {
        $file = self::file()->setMediaType("text/html\r\nX: 1");

        self::assertSame('application/octet-stream', FileResponse::byAccelRedirect($file, '/f/', 'acme')->headers['Content-Type']);
    }
}
