<?php

declare(strict_types=1);

// [snippet]

check($acme->withMiddleware(new Marks())->node()->ping('marked')->getMessage() === 'marked', 'the call goes on');
