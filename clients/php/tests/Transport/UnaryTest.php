<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Transport;

use Howdah\Client\Code;
use Howdah\Client\Exception\FailedPrecondition;
use Howdah\Client\Exception\Internal;
use Howdah\Client\Exception\InvalidArgument;
use Howdah\Client\Exception\ResourceExhausted;
use Howdah\Client\Exception\Unauthenticated;
use Howdah\Client\Tests\Support\MisbehavingServer;
use Howdah\Client\Transport\Limits;
use Howdah\Files\V1\AppendUploadRequest;
use Howdah\Files\V1\DeleteFileRequest;
use Howdah\Files\V1\FilesServiceClient;
use Howdah\Files\V1\GetFileRequest;
use Howdah\Node\V1\NodeServiceClient;
use Howdah\Node\V1\PingRequest;

final class UnaryTest extends TransportTestCase
{
    public function test_the_generated_stub_runs_unchanged_and_unsigned_without_an_invoker(): void
    {
        $stub = new NodeServiceClient(MisbehavingServer::shared()->address(), [
            'credentials' => \Grpc\ChannelCredentials::createInsecure(),
            'update_metadata' => static fn (array $metadata, string $uri): array => $metadata + ['x-uri' => [$uri]],
        ]);
        [$answer, $status] = $stub->Ping((new PingRequest())->setMessage('metadata'), ['x-mine' => ['a', 'b']])->wait();

        self::assertSame(\Grpc\STATUS_OK, $status->code);
        $names = array_column(json_decode($answer->getMessage(), true), 0);
        self::assertContains('x-mine', $names);
        self::assertContains('x-uri', $names);
        self::assertNotContains('x-internal-signature', $names);
    }

    public function test_a_server_that_follows_the_contract_s_text_accepts_the_signature(): void
    {
        self::assertStringStartsWith("HOWDAH-HMAC-SHA256\nphp-test\n", self::ping(self::client(), 'signature'));
    }

    public function test_a_changed_audience_breaks_the_signature(): void
    {
        $client = self::client();
        $this->expectException(Unauthenticated::class);
        self::ping($client->withOptions($client->options()->withAudience('another')), 'signature');
    }

    public function test_the_bytes_that_are_signed_are_sent_even_for_other_sizes(): void
    {
        foreach ([0, 1, 127, 128, 16_384, 70_000] as $size) {
            self::ping(self::client(), 'signature:' . str_repeat('x', $size));
        }
        $this->addToAssertionCount(1);
    }

    public function test_metadata_goes_both_ways_with_several_values_and_bytes(): void
    {
        $client = self::client();
        $call = $client->stub(NodeServiceClient::class)->Ping(
            (new PingRequest())->setMessage('metadata'),
            ['x-two' => ['1', '2'], 'x-raw-bin' => ["\0\xfe\xff"], 'x-empty' => ['']],
        );
        $sent = json_decode($call->answer()->getMessage(), true);

        self::assertContains(['x-two', '1'], $sent);
        self::assertContains(['x-two', '2'], $sent);
        self::assertContains(['x-raw-bin', base64_encode("\0\xfe\xff")], $sent);
        self::assertContains(['x-empty', ''], $sent);
        self::assertContains(['x-tenant-id', 'acme'], $sent);
        self::assertContains(['x-correlation-id', $call->correlationId()], $sent);
        self::assertSame(['one', 'two'], $call->getMetadata()['x-many']);
        self::assertSame(["\x00\xff\n"], $call->getMetadata()['x-blob-bin']);
        self::assertSame(['a', 'b'], $call->getTrailingMetadata()['x-end']);
        self::assertSame(["\x01\x02"], $call->getTrailingMetadata()['x-end-bin']);
    }

    public function test_a_refusal_comes_with_all_its_details(): void
    {
        try {
            self::ping(self::client()->withCorrelationId('4ba193f8-c1fd-4c98-bf49-d9c99beaef8d'), 'refuse');
            self::fail('answered');
        } catch (InvalidArgument $refused) {
            self::assertSame('FIELDS_INVALID', $refused->reason());
            self::assertSame('2', $refused->metadata()['count']);
            self::assertSame(['start_date', 'end_date'], array_column($refused->fieldViolations(), 'field'));
            self::assertSame('fehlt für „März“', $refused->fieldViolations()[1]->description);
            self::assertSame('4ba193f8-c1fd-4c98-bf49-d9c99beaef8d', $refused->correlationId());
        }
    }

    public function test_a_message_with_percent_signs_and_other_letters_is_read(): void
    {
        try {
            self::ping(self::client(), 'percent');
            self::fail('answered');
        } catch (FailedPrecondition $refused) {
            self::assertSame("100% Zażółć\ngęślą jaźń 🐘", $refused->failure->message);
        }
    }

    public function test_every_status_code_arrives(): void
    {
        $client = self::client();
        foreach (Code::cases() as $code) {
            if ($code !== Code::Ok) {
                [$answer, $status] = self::rawPing($client, 'status:' . $code->value);
                self::assertNull($answer);
                self::assertSame($code->value, $status->code);
                self::assertSame('as asked', $status->details);
            }
        }
    }

    public function test_an_answer_that_does_not_wait_for_the_message_is_heard(): void
    {
        $stub = self::client()->stub(FilesServiceClient::class);
        foreach ([0, 1000, 100_000, 5_000_000] as $size) {
            for ($i = 0; $i < 25; $i++) {
                [, $status] = $stub->GetFile((new GetFileRequest())->setFileId(str_repeat('x', $size)))->wait();
                self::assertSame(\Grpc\STATUS_UNIMPLEMENTED, $status->code, $status->details);
            }
        }
    }

    public function test_a_message_that_is_too_large_for_the_server_is_not_mistaken_for_a_server_that_is_down(): void
    {
        $server = new MisbehavingServer(plain: true, maxReceiveBytes: 100_000);
        $client = self::client($server->address());
        for ($i = 0; $i < 10; $i++) {
            [, $status] = self::rawPing($client, 'length:' . str_repeat('x', 2_000_000));
            self::assertSame(\Grpc\STATUS_RESOURCE_EXHAUSTED, $status->code, $status->details);
        }
        self::assertSame('x', self::ping($client, 'x'));
    }

    public function test_five_megabytes_go_both_ways(): void
    {
        $size = 5 * 1024 * 1024;
        self::assertSame($size, strlen(self::ping(self::client(), "big:$size")));

        $data = random_bytes($size);
        $file = self::client()->stub(FilesServiceClient::class)->AppendUpload((new AppendUploadRequest())->setData($data))->answer()->getFile();
        self::assertSame(hash('sha256', $data), $file->getSha256());
    }

    public function test_limits_on_messages_name_themselves(): void
    {
        $client = self::client(limits: new Limits(maxSendBytes: 1000, maxReceiveBytes: 2000));
        foreach (['length:' . str_repeat('x', 1000) => 'maxSendBytes', 'big:3000' => 'maxReceiveBytes', 'gzip:3000' => 'maxReceiveBytes'] as $message => $limit) {
            try {
                self::ping($client, $message);
                self::fail("$limit was not kept");
            } catch (ResourceExhausted | Internal $refused) {
                self::assertStringContainsString($limit, $refused->getMessage());
            }
        }
        self::assertSame('still there', self::ping($client, 'still there'));
    }

    public function test_a_gzip_answer_is_unpacked(): void
    {
        self::assertSame(str_repeat('z', 100_000), self::ping(self::client(), 'gzip:100000'));
    }

    public function test_an_empty_message_is_an_answer(): void
    {
        $client = self::client(retries: 1);
        self::assertNotNull($client->stub(FilesServiceClient::class)->DeleteFile((new DeleteFileRequest())->setFileId('empty'))->answer());
    }

    public function test_the_idempotency_key_stays_the_same_while_the_nonce_changes(): void
    {
        $request = (new DeleteFileRequest())->setFileId('keys-' . bin2hex(random_bytes(4)));
        $call = self::client(retries: 2)->stub(FilesServiceClient::class)->DeleteFile($request);
        $call->answer();
        $seen = json_decode($call->getTrailingMetadata()['x-keys'][0], true);

        self::assertCount(2, $seen);
        self::assertSame($seen[0][0], $seen[1][0]);
        self::assertMatchesRegularExpression('/\A[ -~]{16,255}\z/', $seen[0][0]);
        self::assertNotSame($seen[0][1], $seen[1][1]);
        self::assertSame('', $request->getIdempotencyKey(), 'the message of the caller stays as it is');
    }

    public function test_a_flaky_read_is_answered_after_retries(): void
    {
        $name = bin2hex(random_bytes(4));
        self::assertSame('3', self::ping(self::client(retries: 3), "flaky:2:14:::$name"));
        self::assertSame('2', self::ping(self::client(retries: 3), "flaky:1:8:20::$name"));
        self::assertSame('2', self::ping(self::client(retries: 3), "flaky:1:14::30:$name"));

        [, $status] = self::rawPing(self::client(retries: 3), "flaky:1:14::-1:$name");
        self::assertSame(\Grpc\STATUS_UNAVAILABLE, $status->code);
    }
}
