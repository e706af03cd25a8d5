<?php

declare(strict_types=1);

namespace Howdah\Client\Tests\Unit;

use Google\Protobuf\Duration;
use Howdah\Client\Failure\WireReader;
use Howdah\Common\V1\Error;
use Howdah\Common\V1\FieldViolation;
use PHPUnit\Framework\TestCase;

final class WireReaderTest extends TestCase
{
    public function test_it_reads_what_the_runtime_writes(): void
    {
        $bytes = (new Error())
            ->setCode('INTERNAL')
            ->setRetryable(true)
            ->setRetryAfterMs(PHP_INT_MAX)
            ->setFields([(new FieldViolation())->setField('a'), (new FieldViolation())->setField('b')->setDescription('„ß“')])
            ->setMetadata(['k' => 'v', 'empty' => ''])
            ->serializeToString();

        self::assertSame('INTERNAL', WireReader::string($bytes, 1));
        self::assertSame(1, WireReader::integer($bytes, 4));
        self::assertSame(PHP_INT_MAX, WireReader::integer($bytes, 5));
        self::assertSame('„ß“', WireReader::string(WireReader::strings($bytes, 6)[1], 2));
        self::assertEquals(['k' => 'v', 'empty' => ''], WireReader::stringMap($bytes, 7));
    }

    public function test_negative_numbers_take_ten_bytes_and_stay_negative(): void
    {
        $bytes = (new Duration())->setSeconds(-5)->setNanos(-1)->serializeToString();

        self::assertSame(-5, WireReader::integer($bytes, 1));
        self::assertSame(-1, WireReader::integer($bytes, 2));
    }

    public function test_a_missing_field_has_its_default(): void
    {
        self::assertSame('', WireReader::string('', 1));
        self::assertSame(0, WireReader::integer('', 1));
        self::assertSame([], WireReader::stringMap('', 1));
    }

    public function test_the_last_of_several_values_counts(): void
    {
        self::assertSame('b', WireReader::string("\x0a\x01a\x0a\x01b", 1));
    }

    public function test_fixed_width_fields_are_passed_over(): void
    {
        self::assertSame('z', WireReader::string("\x09" . str_repeat("\x01", 8) . "\x15" . str_repeat("\x02", 4) . "\x1a\x01z", 3));
    }

    /** @dataProvider garbage */
    public function test_bytes_that_are_no_message_are_refused(string $bytes): void
    {
        $this->expectException(\UnexpectedValueException::class);
        WireReader::fields($bytes);
    }

    /** @return iterable<string, array{string}> */
    public static function garbage(): iterable
    {
        yield 'length past the end' => ["\x0a\x05ab"];
        yield 'huge length' => ["\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"];
        yield 'negative length' => ["\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"];
        yield 'number without an end' => [str_repeat("\xff", 12)];
        yield 'tag alone' => ["\x08"];
        yield 'field number 0' => ["\x00\x01"];
        yield 'group' => ["\x0b"];
        yield 'half a fixed64' => ["\x09\x01\x02"];
    }

    public function test_random_bytes_never_do_more_than_be_refused(): void
    {
        mt_srand(7);
        for ($i = 0; $i < 2000; $i++) {
            $bytes = '';
            for ($length = mt_rand(0, 40); $length > 0; $length--) {
                $bytes .= chr(mt_rand(0, 255));
            }
            try {
                WireReader::fields($bytes);
            } catch (\UnexpectedValueException) {
            }
        }
        $this->addToAssertionCount(1);
    }
}
