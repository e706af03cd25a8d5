<?php

declare(strict_types=1);

namespace Howdah\Client\Failure;

/** One field of a request that was wrong. */
final readonly class FieldViolation
{
    /** @param string $field its path, such as `invoices[2].lines[0].quantity` */
    public function __construct(
        public string $field,
        public string $description,
    ) {
    }
}
