<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Unit;

use Howdah\Client\Exception\ConfigurationException;
use Howdah\Client\Signing\Signable;
use Howdah\Client\Signing\SigningKey;
use Howdah\Client\Tests\Support\FakeClock;
use PHPUnit\Framework\TestCase;

final class SigningKeyTest extends TestCase
{
    private const SECRET = '703b8c75be5cccbcef3b5ad5cb9d9d61b16934f7a60aa8b8e30010b462ebd850';

    /** @return iterable<string, array{array<string, mixed>}> */
    public static function validCases(): iterable
    {
        $vectors = json_decode((string) file_get_contents(dirname(__DIR__, 4) . '/tests/vectors/signing.json'), true);
        foreach ($vectors['cases'] as $case) {
            if ($case['valid']) {
                yield $case['name'] => [$case];
            }
        }
    }

    /** @dataProvider validCases */
    public function test_it_signs_as_the_vectors_say(array $case): void
    {
        $key = new SigningKey($case['key_id'], $case['secret_hex']);
        $call = new Signable(
            $case['audience'],
            $case['path'],
            $case['tenant'],
            $case['correlation_id'],
            base64_decode($case['body_base64'], true),
        );
        $canonical = $key->canonical($call, $case['timestamp'], $case['nonce']);

        self::assertSame($case['canonical'], $canonical);
        self::assertContains($key->signature($canonical), explode(',', $case['signature']));
    }

    public function test_every_attempt_gets_a_nonce_of_22_characters_of_its_own(): void
    {
        $key = new SigningKey('k', self::SECRET, new FakeClock());
        $nonces = [];
        for ($i = 0; $i < 50; $i++) {
            $nonces[] = $key->sign(new Signable('howdah', '/a/b', 'acme', '', ''))['x-internal-nonce'][0];
        }

        self::assertCount(50, array_unique($nonces));
        foreach ($nonces as $nonce) {
            self::assertMatchesRegularExpression('/\A[A-Za-z0-9_-]{22}\z/', $nonce);
        }
    }

    public function test_the_timestamp_is_the_time_of_the_attempt(): void
    {
        $clock = new FakeClock(0.0);
        $key = new SigningKey('k', self::SECRET, $clock);
        $clock->now = 7.0;

        self::assertSame(['1790000007'], $key->sign(new Signable('howdah', '/a/b', '', '', ''))['x-internal-timestamp']);
    }

    public function test_a_line_break_in_a_signed_value_is_refused(): void
    {
        $this->expectException(ConfigurationException::class);
        (new SigningKey('k', self::SECRET))->sign(new Signable("howdah\nother", '/a/b', '', '', ''));
    }

    public function test_a_key_id_with_a_line_break_is_refused(): void
    {
        $this->expectException(ConfigurationException::class);
        new SigningKey("php\nprod", self::SECRET);
    }

    public function test_a_secret_that_is_no_hexadecimal_text_is_refused_without_being_repeated(): void
    {
        try {
            new SigningKey('k', 'correct horse battery staple');
            self::fail('accepted');
        } catch (ConfigurationException $refused) {
            self::assertStringNotContainsString('horse', (string) $refused);
        }
    }

    public function test_dumping_a_key_does_not_show_the_secret(): void
    {
        $key = new SigningKey('k', self::SECRET);

        self::assertStringNotContainsString((string) hex2bin(self::SECRET), print_r($key, true));
        self::assertStringContainsString('***', print_r($key, true));
    }
}
