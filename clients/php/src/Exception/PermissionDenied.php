<?php

declare(strict_types=1);

namespace Howdah\Client\Exception;

/** The credential may not do this, or not for this tenant. */
final class PermissionDenied extends Failed
{
}
