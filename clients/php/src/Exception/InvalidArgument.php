<?php

declare(strict_types=1);

namespace Howdah\Client\Exception;

/** The request is wrong; `fieldViolations()` says where. */
final class InvalidArgument extends Failed
{
}
