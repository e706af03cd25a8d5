<?php

declare(strict_types=1);

$secrets = new class {
    public string $kept = '';

    public function store(string $name, string $secret): void
    {
        $this->kept = $secret;
    }
};
// [snippet]

$acme->webhooks()->delete($made->getEndpoint()->getEndpointId());
check(str_starts_with($secrets->kept, 'whsec_'), 'the secret is kept');
